/** From which score on predictions are shown: a person who chose one for a model finds it again on the next field. */

import { prefer, preference } from "./page";
import type { ModelInfo } from "./types";

/** What was chosen for this model, else the model's own threshold. */
export function firstScore(model: Pick<ModelInfo, "threshold"> | null, kept: string | null): number {
  const chosen = kept === null || kept === "" ? Number.NaN : Number(kept);
  if (chosen >= 0 && chosen <= 1) return chosen;
  return model?.threshold ?? 0.5;
}

export function keptScore(project: string, model: Pick<ModelInfo, "label"> | null): string | null {
  return model && preference(nameOf(project, model));
}

export function keepScore(project: string, model: Pick<ModelInfo, "label"> | null, score: number): void {
  if (model) prefer(nameOf(project, model), String(score));
}

function nameOf(project: string, { label }: Pick<ModelInfo, "label">): string {
  return `score:${project}:${label}`;
}
