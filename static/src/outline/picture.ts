/** A picture as a canvas gives it, and the part of it round a cell, brought to one size. */

/** `data`: red, green, blue, alpha of each pixel, 0 to 255, row by row from the top left. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray | Uint8Array;
}

/** An upright ellipse in pixels of the picture; the corner of the first pixel is 0, 0. */
export interface Ellipse {
  readonly x: number;
  readonly y: number;
  readonly rx: number;
  readonly ry: number;
}

/** Half the ellipse's axis in pixels of a frame, and the pixels from a frame's middle to its side. */
export const UNIT = 48;
export const REACH = 72;
export const SIDE = 2 * REACH;

/** Samples in each direction for one pixel of the frame, at most: beyond it, single pixels are left out. */
const FINEST = 6;

/**
 * The picture round an ellipse, SIDE x SIDE: the ellipse is a circle of radius UNIT about the middle. `rgb` holds three
 * planes, 0 to 255; `known` says where the frame lies on the picture.
 */
export interface Frame {
  readonly rgb: Float32Array;
  readonly known: Uint8Array;
}

/** Brings what lies round the ellipse to the size of a frame: the mean of the pixels, or between pixels their blend. */
export function frameOf(picture: Picture, ellipse: Ellipse): Frame {
  const [sx, sy] = [ellipse.rx / UNIT, ellipse.ry / UNIT];
  const fine = Math.min(FINEST, Math.max(1, Math.ceil(Math.max(sx, sy))));
  const rgb = new Float32Array(3 * SIDE * SIDE);
  const known = new Uint8Array(SIDE * SIDE);
  const sample = new Float64Array(3);
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      const x = ellipse.x + (column + 0.5 - REACH) * sx;
      const y = ellipse.y + (row + 0.5 - REACH) * sy;
      if (x < 0 || y < 0 || x >= picture.width || y >= picture.height) continue;
      sample.fill(0);
      for (let down = 0; down < fine; down++) {
        for (let right = 0; right < fine; right++) {
          const offX = ((right + 0.5) / fine - 0.5) * sx;
          const offY = ((down + 0.5) / fine - 0.5) * sy;
          if (fine > 1) addNearest(picture, x + offX, y + offY, sample);
          else addBlend(picture, x - 0.5, y - 0.5, sample);
        }
      }
      const index = row * SIDE + column;
      known[index] = 1;
      for (let plane = 0; plane < 3; plane++) rgb[plane * SIDE * SIDE + index] = (sample[plane] ?? 0) / fine ** 2;
    }
  }
  return { rgb, known };
}

/** Adds the colour of the pixel at a place; beyond the border that of the border. */
function addNearest({ width, height, data }: Picture, x: number, y: number, sum: Float64Array): void {
  const column = Math.min(width - 1, Math.max(0, Math.floor(x)));
  const row = Math.min(height - 1, Math.max(0, Math.floor(y)));
  const at = 4 * (row * width + column);
  for (let plane = 0; plane < 3; plane++) sum[plane] = (sum[plane] ?? 0) + (data[at + plane] ?? 0);
}

/** Adds the colour at a place, blended from the four pixels round it; the border's pixels go on beyond the border. */
function addBlend({ width, height, data }: Picture, x: number, y: number, sum: Float64Array): void {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [alongX, alongY] = [x - left, y - top];
  for (let corner = 0; corner < 4; corner++) {
    const [right, down] = [corner & 1, corner >> 1];
    const share = (right ? alongX : 1 - alongX) * (down ? alongY : 1 - alongY);
    if (share === 0) continue;
    const column = Math.min(width - 1, Math.max(0, left + right));
    const row = Math.min(height - 1, Math.max(0, top + down));
    const at = 4 * (row * width + column);
    for (let plane = 0; plane < 3; plane++) sum[plane] = (sum[plane] ?? 0) + share * (data[at + plane] ?? 0);
  }
}
