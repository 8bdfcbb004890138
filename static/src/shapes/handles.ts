/** What can be taken hold of: a place on a shape and the name by which `resized` knows it. */

import type { ImagePoint } from "../geometry/points";

export interface Handle {
  /** centre, radius; nw, n, ne, e, se, s, sw, w; corner 3; middle 3 (between corners 3 and 4: pulls out a new one). */
  readonly id: string;
  readonly at: ImagePoint;
}
