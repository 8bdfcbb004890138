/** The workbench is wired here, and nothing is decided. */

import { ActiveClock, listenTo } from "./active";
import type { PredictionsInfo } from "./api";
import { Api, ApiError } from "./api";
import { Classes } from "./classes";
import { uncovered } from "./covering";
import type { Tool } from "./commands";
import { commands, Keymap, Workbench } from "./commands";
import { rememberDrawing } from "./drawing";
import { imagePoint } from "./geometry/points";
import { Keyboard } from "./keyboard";
import { prefer, preference, readPage, readWish } from "./page";
import { Banner } from "./panel/banner";
import { ClassesPanel } from "./panel/classes";
import { byId } from "./panel/dom";
import { FinishDialog } from "./panel/finish";
import { GuidelinePanel } from "./panel/guideline";
import { bindHistory } from "./panel/history";
import { KeysDialog } from "./panel/keys";
import { Live } from "./panel/live";
import { Menu } from "./panel/menu";
import { OpinionsPanel } from "./panel/opinions";
import { Palette } from "./panel/palette";
import { PredictNow } from "./panel/predict";
import { RulerPanel } from "./panel/ruler";
import { ScreeningPanel } from "./panel/screening";
import { PALETTE, SeeingPanel } from "./panel/seeing";
import { PredictionsPanel } from "./panel/predictions";
import { PromotionWatch } from "./panel/promotion";
import { RecentPanel } from "./panel/recent";
import { SavingPanel } from "./panel/saving";
import { SelectionPanel } from "./panel/selection";
import { StatusLine } from "./panel/status";
import { TrashPanel } from "./panel/trash";
import { Canvas } from "./render/canvas";
import { forColourBlind } from "./palette";
import { firstScore, keepScore, keptScore } from "./score";
import { PageScreen } from "./screen";
import { bounds, circle } from "./shapes";
import { sharedKeys } from "./shared-keys";
import { SpatialIndex } from "./spatial";
import { Store } from "./store";
import { startSync } from "./sync";
import { Hands } from "./tools/hands";
import type { Cell, ReadingInfo, WorkbenchData } from "./types";
import { History } from "./undo";
import { Viewport } from "./viewport";

/** A third of the server's lease: two beats may be lost. */
const HEARTBEAT_MS = 20_000;

async function start(): Promise<void> {
  byId("unscripted", HTMLElement).hidden = true;
  const page = readPage();
  const api = new Api(page.project, page.field);
  const data = await loaded(api);
  const { field, reading } = data;
  const mayEdit = data.may.label && reading !== null && reading.mine && reading.state === "open";

  const classes = new Classes(preference(PALETTE) === "distinct" ? forColourBlind(data.classes) : data.classes);
  const history = new History();
  const store = new Store({ threshold: firstScore(data.model, keptScore(page.project, data.model)) });
  store.setPredictions(data.predictions);
  store.take([...data.trash, ...data.cells]);
  rememberDrawing(store, field, page.project);
  const index = new SpatialIndex(store);
  const sync = mayEdit ? await startSync({ project: page.project, field: page.field, reading: reading.id }, { store, history }, [...data.trash, ...data.cells]) : null;

  let model = data.model;
  const live = new Live();
  const clock = new ActiveClock();
  listenTo(clock);
  const say = (message: string): void => {
    live.say(message);
  };
  const target = byId("canvas", HTMLElement);
  const viewport = new Viewport(target, field);
  const canvas = new Canvas({ store, index, classes, viewport, field, adjust: page.adjust });
  const showPredictions = (found: PredictionsInfo): void => {
    model = found.model;
    store.setPredictions(uncovered(found.predictions, store.cells()));
    if (model) store.look({ threshold: firstScore(model, keptScore(page.project, model)) });
    selection.setModel(model);
    predictions.setModel(model);
  };
  const predictNow = new PredictNow(api, say, showPredictions);
  const screen: PageScreen = new PageScreen(viewport, () => hands, {
    say,
    findClass: () => {
      classesPanel.find();
    },
    openPalette: () => {
      palette.open();
    },
    showShortcuts: () => {
      keys.show();
    },
    predict: () => void predictNow.start(),
    finish: () => {
      finish?.open();
    },
    screen: (what) => {
      if (what === "toggle") screening.toggle();
      else if (what === "adjusted") seeing.toggle();
      else screening.walk(what === "next" ? 1 : -1);
    },
    measured: (pixels) => {
      ruler.show(pixels);
    },
    go: (where) => {
      const address = field[where];
      if (address === null) say(where === "next" ? "This is the last field." : "This is the first field.");
      else location.assign(address);
    },
    pixels: (part) => canvas.picture.pixels(part),
    scored: (score) => {
      keepScore(page.project, model, score);
    },
    chosen: (tool) => {
      prefer("tool", tool);
      menu.update();
    },
  });
  const workbench = new Workbench(
    { store, history, classes, field, weakShape: data.project.weak_shape, mayEdit, screen },
    (changes) => sync?.add(changes, clock.take()),
  );
  const hands: Hands = new Hands({ workbench, index, canvas, viewport }, (pointer) => {
    status.showPointer(pointer);
  });
  const keymap = new Keymap(commands, data.keys);
  const toggled = (name: "showCells" | "showPredictions" | "showLabels") => (): boolean => store.view[name];
  const using = (tool: Tool) => (): boolean => hands.tool === tool;
  const menu: Menu = new Menu(workbench, keymap, {
    "tool.select": using("select"),
    "tool.circle": using("circle"),
    "tool.box": using("box"),
    "tool.contour": using("contour"),
    "tool.ruler": using("ruler"),
    "tool.add": using("add"),
    "tool.subtract": using("subtract"),
    "tool.split": using("split"),
    "circle.across": () => store.view.drawsAcross,
    "touch.draws": () => store.view.fingerDraws,
    "view.cells": toggled("showCells"),
    "view.predictions": toggled("showPredictions"),
    "view.labels": toggled("showLabels"),
  });
  const keys: KeysDialog = new KeysDialog(workbench, keymap, sharedKeys(api, keymap));
  const palette: Palette = new Palette(workbench, keymap);
  new RecentPanel(workbench, keymap, page.project);
  const classesPanel: ClassesPanel = new ClassesPanel(workbench);
  const selection: SelectionPanel = new SelectionPanel(workbench, model);
  new TrashPanel(workbench);
  new OpinionsPanel(workbench, data.opinions);
  const predictions: PredictionsPanel = new PredictionsPanel(workbench, model, data.predictions_hidden);
  const screening: ScreeningPanel = new ScreeningPanel(viewport, field, `${page.project}:${page.field}:${reading?.id ?? "none"}`, say);
  const seeing: SeeingPanel = new SeeingPanel(canvas.picture);
  const ruler: RulerPanel = new RulerPanel(api, field.um_per_px, data.may);
  const status: StatusLine = new StatusLine(workbench, viewport, index, () => model);
  const guideline = new GuidelinePanel(workbench, page.references);
  bindReference(page.reference, api, store, guideline, say);
  bindHistory(store);
  new Keyboard({
    workbench,
    hands,
    keymap,
    showPrefix: (begun) => {
      status.showPrefix(begun);
    },
  });
  const finish = sync && reading ? new FinishDialog(workbench, sync, api, reading.id, page.queue, data.predictions_hidden, () => unseenOf(screening)) : null;
  if (sync && reading) {
    new SavingPanel(workbench, sync);
    beat(api, reading, say);
    new PromotionWatch(api, store, data, showPredictions);
  } else {
    new Banner(data, api, page.queue);
    byId("saving", HTMLButtonElement).hidden = true;
  }
  bindSmoothing(canvas, viewport);
  let isDue = false;
  store.on(() => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      menu.update();
    });
  });

  // All that moves the window, a tool or the focus comes before the picture: who began meanwhile is not thrown back.
  viewport.fit();
  hands.choose(mayEdit ? firstTool(data, store) : "select");
  menu.update();
  showWish(store, viewport, canvas, say);
  if (document.activeElement === document.body) target.focus();
  await canvas.picture.load(field.image, field.tiles).then(
    () => {
      screening.start();
    },
    () => {
      say("The picture of this field cannot be loaded. Reload the page to try again.");
    },
  );
  seeing.start();
  viewport.repaint();
  target.dataset.ready = "true";
}

/** What the page needs; where nobody has labelled the field and this person may, a reading is opened. */
async function loaded(api: Api): Promise<WorkbenchData> {
  const data = await api.workbench();
  if (data.reading !== null || !data.may.label || data.holder !== null) return data;
  await api.openReading(false);
  return api.workbench();
}

/** For who finishes: how much of the field was never looked at closely. */
function unseenOf({ unseen, count }: ScreeningPanel): string {
  if (unseen === 0 || count === 1) return "";
  return `${unseen} of ${count} tiles ${unseen === 1 ? "was" : "were"} never looked at closely: Shift and J goes to the next of them.`;
}

/** Where a model has suggested cells they are decided first; else what the person used last. */
function firstTool(data: WorkbenchData, store: Store): Tool {
  if (store.shownPredictions().length > 0) return "select";
  const preferred = preference("tool");
  if (preferred === "select" || preferred === "contour") return preferred;
  return data.project.weak_shape;
}

/** The address may ask for a cell, a prediction or a place: other pages lead here that way. */
function showWish(store: Store, viewport: Viewport, canvas: Canvas, say: (message: string) => void): void {
  const { cell, prediction, at } = readWish(location.search);
  if (at) {
    const place = circle(imagePoint(at[0], at[1]), at[2]);
    viewport.show(bounds(place));
    canvas.hover(place); // until the pointer moves over the field
  }
  if (cell !== null && store.cell(cell) === undefined) say("The cell that you came for is not in this reading.");
  const shape = (cell === null ? undefined : store.cell(cell)?.shape) ?? store.prediction(prediction ?? -1)?.shape;
  if (shape === undefined) return;
  const one = prediction === null ? undefined : store.prediction(prediction);
  if (one && one.score < store.view.threshold) store.look({ threshold: Math.floor(one.score * 100) / 100 });
  store.select(cell === null ? [] : [cell], one ? [one.id] : []);
  viewport.show(bounds(shape));
}

/** A reviewer keeps the selected cell as an example of its class. */
function bindReference(
  address: string | null,
  api: Api,
  store: Store,
  guideline: GuidelinePanel,
  say: (message: string) => void,
): void {
  const button = byId("keep-reference", HTMLButtonElement);
  const selected = (): Cell | undefined => (store.selectedCells().length === 1 ? store.selectedCells()[0] : undefined);
  const show = (): void => {
    button.hidden = address === null || (selected()?.version ?? 0) === 0;
  };
  button.addEventListener("click", () => {
    const cell = selected();
    if (address === null || cell === undefined) return;
    api
      .keepReference(address, cell.uuid)
      .then((kept) => {
        guideline.add(kept.class, kept);
        say("The cell is kept as a reference of its class.");
      })
      .catch((error: unknown) => {
        if (!(error instanceof ApiError)) throw error;
        say(error.message);
      });
  });
  store.on((event) => {
    if (event.type !== "view") show();
  });
  show();
}

function bindSmoothing(canvas: Canvas, viewport: Viewport): void {
  const box = byId("smooth", HTMLInputElement);
  const apply = (): void => {
    canvas.picture.isSmooth = box.checked;
    viewport.repaint();
  };
  box.checked = preference("smooth") === "yes";
  box.addEventListener("change", () => {
    prefer("smooth", box.checked ? "yes" : "no");
    apply();
  });
  apply();
}

/** Keeps the reading's lease while the page is there, so that nobody else is offered the field. */
function beat(api: Api, reading: ReadingInfo, say: (message: string) => void): void {
  const once = (): void => {
    api.heartbeat(reading.id).catch((error: unknown) => {
      // The server away is told by what waits to be saved.
      if (error instanceof ApiError && [403, 404, 409, 422].includes(error.status)) say(error.message);
    });
  };
  once();
  setInterval(once, HEARTBEAT_MS);
}

start().catch((error: unknown) => {
  const box = byId("banner", HTMLElement);
  box.textContent = error instanceof ApiError ? error.message : "The workbench cannot start: a part of the page is missing. Reload it.";
  box.hidden = false;
  box.setAttribute("role", "alert");
  if (!(error instanceof ApiError)) throw error;
});
