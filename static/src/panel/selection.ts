/** What is selected: class, who says so, size in µm and in pixels; of a prediction what the model thinks. */

import type { Classes } from "../classes";
import type { Workbench } from "../commands";
import { ATTRIBUTES, commandNamed, hasAll, isLocked, setClass } from "../commands";
import { area, diameter, middle } from "../shapes";
import type { Cell, CellClass, ModelInfo, Prediction, Shape } from "../types";
import { byId, h, swatch } from "./dom";

export class SelectionPanel {
  readonly #box = byId("selection", HTMLElement);
  readonly #workbench: Workbench;
  readonly #classes: Classes;
  #model: ModelInfo | null;
  #shown = "";

  constructor(workbench: Workbench, model: ModelInfo | null) {
    this.#workbench = workbench;
    this.#classes = workbench.context.classes;
    this.#model = model;
    workbench.context.store.on((event) => {
      if (event.type !== "predictions") this.show();
    });
    this.show();
  }

  setModel(model: ModelInfo | null): void {
    this.#model = model;
    this.show();
  }

  show(): void {
    const { store } = this.#workbench.context;
    const [cells, predictions] = [store.selectedCells(), store.selectedPredictions()];
    const [cell, prediction] = [cells[0], predictions[0]];
    // An answer of the server changes versions alone: a button must not be taken away under a finger for that.
    const count = cells.length + predictions.length;
    const single = count === 1 ? [cell && { ...cell, version: 0 }, prediction] : [];
    const shown = JSON.stringify([cells.length, predictions.length, single, store.view.activeClass, this.#model]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    if (count === 0) this.#box.replaceChildren(...this.#nothing());
    else if (count > 1) this.#box.replaceChildren(...this.#several(cells, predictions));
    else if (cell) this.#box.replaceChildren(...this.#cell(cell));
    else if (prediction) this.#box.replaceChildren(...this.#prediction(prediction));
  }

  #nothing(): Node[] {
    const { store, mayEdit } = this.#workbench.context;
    const chosen = this.#classes.get(store.view.activeClass ?? this.#classes.first?.number ?? -1);
    if (!mayEdit || chosen === undefined) return [h("p", { class: "quiet" }, "Nothing is selected.")];
    return [
      h("p", { class: "selection-class" }, swatch(chosen), h("strong", {}, chosen.name)),
      h("p", { class: "quiet" }, "is the class of what you draw next. Nothing is selected."),
    ];
  }

  #several(cells: readonly Cell[], predictions: readonly Prediction[]): Node[] {
    const words = [counted(cells.length, "cell"), counted(predictions.length, "prediction")].filter(Boolean);
    return [
      h("p", { class: "selection-class" }, h("strong", {}, `${words.join(" and ")} selected`)),
      h("p", { class: "quiet" }, "A class' key gives all of them that class."),
      ...this.#attributes(cells),
      this.#buttons(predictions.length > 0),
    ];
  }

  #cell(cell: Cell): Node[] {
    return [
      this.#head(cell.class, cell.shape),
      h("p", { class: "origin" }, originOf(cell, this.#workbench.context.store.prediction(cell.prediction ?? -1), this.#model)),
      this.#measures(cell.shape),
      ...this.#attributes([cell]),
      this.#buttons(false),
    ];
  }

  #prediction(prediction: Prediction): Node[] {
    const scores = prediction.class_scores.map(([number, score]) => {
      const name = this.#classes.get(number)?.name ?? `class ${number}`;
      const choice = h(
        "button",
        {
          type: "button",
          class: "score",
          title: `Accept as ${name}`,
          onclick: () => {
            this.#workbench.gesture(setClass, { class: number });
          },
        },
        h("span", {}, name),
        h("span", { class: "number" }, score.toFixed(2)),
      );
      choice.disabled = !this.#workbench.context.mayEdit;
      return choice;
    });
    return [
      this.#head(prediction.class, prediction.shape),
      h("p", { class: "origin origin-model" }, `Predicted by ${this.#model?.label ?? "a model"}, score ${prediction.score.toFixed(2)}`),
      scores.length > 1 ? h("div", { class: "scores" }, ...scores) : null,
      this.#measures(prediction.shape),
      this.#buttons(true),
    ].filter((node) => node !== null);
  }

  #head(number: number, shape: Shape): HTMLElement {
    const { name, colour, line }: Pick<CellClass, "name" | "colour" | "line"> = this.#classes.get(number) ?? {
      name: `Class ${number}`,
      colour: "#ffffff",
      line: "solid",
    };
    const locked = this.#workbench.context.store.selectedCells().some(isLocked);
    const kind = h("span", { class: "quiet" }, locked ? `${shape.kind}, locked` : shape.kind);
    return h("p", { class: "selection-class" }, swatch({ colour, line }), h("strong", {}, name), kind);
  }

  #measures(shape: Shape): HTMLElement {
    const { um_per_px: scale } = this.#workbench.context.field;
    const [size, { x, y }] = [diameter(shape), middle(shape)];
    const surface = scale === null ? `${Math.round(area(shape))} px²` : `${(area(shape) * scale ** 2).toFixed(1)} µm²`;
    const rows = [
      ["Diameter", scale === null ? `${size.toFixed(1)} px` : `${(size * scale).toFixed(2)} µm · ${size.toFixed(1)} px`],
      ["Area", `${surface}, middle at ${Math.round(x)}, ${Math.round(y)}`],
    ] as const;
    return h("dl", { class: "measures" }, ...rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
  }

  /** What the cells are besides their class, switched here or by key. */
  #attributes(cells: readonly Cell[]): Node[] {
    const { context } = this.#workbench;
    if (cells.length === 0) return [];
    const choices = ATTRIBUTES.map(({ name, words }) => {
      const command = commandNamed(`attribute.${name}`);
      const isOn = hasAll(context, name);
      const isMixed = !isOn && cells.some((cell) => cell.attributes[name] === true);
      const box = h("button", {
        type: "button",
        class: "attribute",
        "aria-pressed": isMixed ? "mixed" : String(isOn),
        onclick: () => {
          if (command) void this.#workbench.run(command);
        },
      }, words);
      box.disabled = !context.mayEdit || cells.every(isLocked);
      return box;
    });
    return [h("div", { class: "attributes", role: "group", "aria-label": "Attributes" }, ...choices)];
  }

  #buttons(withPredictions: boolean): HTMLElement {
    const { mayEdit, store } = this.#workbench.context;
    if (!mayEdit) return h("div");
    const names = withPredictions
      ? [["Accept", "prediction.accept"], ["Reject", store.selection.cells.size ? "cell.delete" : "prediction.reject"]]
      : [
          ["Outline", "cell.contour"],
          ["Shrunk", "cell.shrunk"],
          ["To circle", "cell.circle"],
          ["Smooth", "cell.smooth"],
          [store.selectedCells().every(isLocked) ? "Unlock" : "Lock", "cell.lock"],
          ["Delete", "cell.delete"],
        ];
    const buttons = names.flatMap(([label = "", name = ""]) => {
      const command = commandNamed(name);
      if (command === undefined || !this.#workbench.isEnabled(command)) return [];
      return h(
        "button",
        {
          type: "button",
          class: "btn btn-sm btn-outline-secondary",
          title: command.title,
          onclick: () => void this.#workbench.run(command),
        },
        label,
      );
    });
    return h("div", { class: "buttons" }, ...buttons);
  }
}

/** A model's output never passes for a person's: who said it stands beside each cell. */
export function originOf(cell: Cell, prediction: Prediction | undefined, model: ModelInfo | null): string {
  const by = cell.author === null ? "" : ` by ${cell.author}`;
  const score = prediction === undefined ? "" : `, score ${prediction.score.toFixed(2)}`;
  const from = `${prediction ? (model?.label ?? "a model") : "a model"}${score}`;
  if (cell.provenance === "accepted") return `Predicted by ${from}; accepted${by}`;
  if (cell.provenance === "corrected") return `Predicted by ${from}; corrected${by}`;
  return cell.provenance === "imported" ? "Imported" : `Drawn${by}`;
}


function counted(count: number, word: string): string {
  return count === 0 ? "" : `${count} ${word}${count === 1 ? "" : "s"}`;
}
