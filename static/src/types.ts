/** The words of the workbench, as the JSON API speaks them. Content says what a cell is; a cell adds who says so. */

export type Uuid = string;
export type ShapeKind = "circle" | "box" | "contour";

/** `points`, in field pixels: circle cx, cy, r; box x0, y0, x1, y1; contour x, y, x, y, ... (not closed). */
export interface Shape {
  readonly kind: ShapeKind;
  readonly points: readonly number[];
}

export type AttributeValue = string | number | boolean | null | readonly AttributeValue[] | Attributes;
export interface Attributes {
  readonly [name: string]: AttributeValue;
}

/** What a person decides about a cell; undo and redo move between contents. `class` is the number of a cell class. */
export interface CellContent {
  readonly class: number;
  readonly shape: Shape;
  readonly attributes: Attributes;
  readonly prediction: number | null;
  /** A finished cell: nothing else about it changes while it is. Missing is false: pages of before did not know it. */
  readonly locked?: boolean;
}

export type Provenance = "drawn" | "accepted" | "corrected" | "imported";

export interface Cell extends CellContent {
  readonly uuid: Uuid;
  /** The server's; 0 where the server does not have the cell yet. */
  readonly version: number;
  readonly provenance: Provenance;
  readonly author: string | null;
}

/** A cell as the server sends it: it also sends what is deleted. */
export interface ServerCell extends Cell {
  readonly deleted: boolean;
}

export interface Prediction {
  readonly id: number;
  readonly class: number;
  readonly shape: Shape;
  readonly score: number;
  /** The best three: class number and score. */
  readonly class_scores: readonly (readonly [number, number])[];
  readonly rejected: boolean;
  readonly cell: Uuid | null;
}

export type ClassKind = "cell" | "artefact" | "unsure";
export type Line = "solid" | "dashed" | "dotted";

export interface CellClass {
  readonly number: number;
  readonly key: string;
  readonly name: string;
  readonly parent: number | null;
  readonly tier: number;
  readonly lineage: string;
  readonly colour: string;
  readonly line: Line;
  readonly hotkey: string;
  readonly counted: boolean;
  readonly kind: ClassKind;
  readonly guideline: string;
  readonly retired: boolean;
}

/** One thing that changed, both ways: swap before and after and it is undone. No content: the cell is not there. */
export type Change = CellChange | RejectionChange;

export interface CellChange {
  readonly type: "cell";
  readonly uuid: Uuid;
  readonly before: CellContent | null;
  readonly after: CellContent | null;
}

export interface RejectionChange {
  readonly type: "rejection";
  readonly prediction: number;
  readonly before: boolean;
  readonly after: boolean;
}

export interface FieldInfo {
  readonly code: string;
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly um_per_px: number | null;
  readonly image: string;
  /** Of a large picture, which is not shown in one piece. */
  readonly tiles: { readonly address: string; readonly version: string; readonly size: number; readonly levels: number } | null;
  readonly previous: string | null;
  readonly next: string | null;
}

export interface ModelInfo {
  readonly id: number;
  readonly label: string;
  readonly threshold: number;
}

export interface ReadingInfo {
  readonly id: number;
  readonly state: "open" | "submitted" | "signed_off" | "sealed";
  readonly exhaustive: boolean;
  readonly mine: boolean;
  readonly author: string | null;
  readonly source: string;
}

export interface HolderInfo {
  readonly name: string | null;
  readonly until: string;
}

/** What a reviewer says of a cell whose reader was unsure. */
export interface Opinion {
  readonly cell: Uuid;
  readonly class: number;
  readonly note: string;
  readonly author: string | null;
  readonly at: string;
}

/** What the page needs once: GET /api/projects/{key}/fields/{code}/workbench/. */
export interface WorkbenchData {
  readonly field: FieldInfo;
  readonly project: { readonly key: string; readonly weak_shape: "circle" | "box" };
  readonly classes: readonly CellClass[];
  readonly model: ModelInfo | null;
  /** Whose predictions an untouched field shows now. */
  readonly newest: ModelInfo | null;
  readonly predictions: readonly Prediction[];
  /** The field is read without predictions: they come when the reader is done. */
  readonly predictions_hidden: boolean;
  readonly reading: ReadingInfo | null;
  /** Somebody else who is at work on this field. */
  readonly holder: HolderInfo | null;
  readonly cells: readonly ServerCell[];
  /** The cells of one's own reading that were deleted last, the last at the end. */
  readonly trash: readonly ServerCell[];
  readonly opinions: readonly Opinion[];
  /** The keys that this person has changed: by the name of a command. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
  readonly may: { readonly label: boolean; readonly review: boolean; readonly run: boolean };
}

/** One entry of POST /api/readings/{id}/changes/. */
export type ChangeRequest =
  | ({ readonly type: "cell"; readonly uuid: Uuid; readonly version: number; readonly deleted: boolean; readonly unlocked?: boolean; readonly seconds?: number } & CellContent)
  | { readonly type: "rejection"; readonly prediction: number; readonly rejected: boolean; readonly seconds?: number };

export type ChangeResult =
  | { readonly status: "saved"; readonly cell?: ServerCell | null }
  | { readonly status: "stale"; readonly cell: ServerCell }
  | { readonly status: "refused"; readonly message: string };

/** The inverse of a list of changes: each swapped, last first. */
export function inverse(changes: readonly Change[]): Change[] {
  return changes.toReversed().map((change) => ({ ...change, before: change.after, after: change.before }) as Change);
}

export function sameShape(one: Shape, other: Shape): boolean {
  return (
    one.kind === other.kind &&
    one.points.length === other.points.length &&
    one.points.every((value, index) => value === other.points[index])
  );
}

export function sameContent(one: CellContent | null, other: CellContent | null): boolean {
  if (one === null || other === null) return one === other;
  return (
    one.class === other.class &&
    one.prediction === other.prediction &&
    (one.locked ?? false) === (other.locked ?? false) &&
    sameShape(one.shape, other.shape) &&
    sameJson(one.attributes, other.attributes)
  );
}

/** Whether a change changes anything. */
export function isIdle(change: Change): boolean {
  return change.type === "cell" ? sameContent(change.before, change.after) : change.before === change.after;
}

export function contentOf(cell: CellContent): CellContent {
  const { class: number, shape, attributes, prediction, locked = false } = cell;
  return { class: number, shape, attributes, prediction, locked };
}

/** A new random UUID. `crypto.randomUUID` is missing where the page comes by plain http from another machine. */
export function newUuid(): Uuid {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Equality of what JSON can say; the order of names does not count. */
function sameJson(one: AttributeValue, other: AttributeValue): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  const [mine, theirs] = [Object.entries(one), new Map(Object.entries(other))];
  if (Array.isArray(one) !== Array.isArray(other) || mine.length !== theirs.size) return false;
  return mine.every(([name, value]) => {
    const found = theirs.get(name);
    return found !== undefined && sameJson(value, found);
  });
}
