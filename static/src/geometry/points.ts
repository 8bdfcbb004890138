/** Places on the image and on the screen are both two numbers; their types keep one from being used as the other. */

declare const space: unique symbol;

/** A length in pixels of the field. */
export type Pixels = number & { readonly [space]?: "pixels" };

/** In pixels of the field: origin top left, y down. */
export interface ImagePoint {
  readonly x: Pixels;
  readonly y: Pixels;
  readonly [space]: "image";
}

/** In CSS pixels of the viewport's element: origin top left, y down. */
export interface ScreenPoint {
  readonly x: number;
  readonly y: number;
  readonly [space]: "screen";
}

export interface Bounds {
  readonly x0: Pixels;
  readonly y0: Pixels;
  readonly x1: Pixels;
  readonly y1: Pixels;
}

export function imagePoint(x: number, y: number): ImagePoint {
  return { x, y } as ImagePoint;
}

export function screenPoint(x: number, y: number): ScreenPoint {
  return { x, y } as ScreenPoint;
}

export function distance<Point extends ImagePoint | ScreenPoint>(one: Point, other: Point): number {
  return Math.hypot(one.x - other.x, one.y - other.y);
}
