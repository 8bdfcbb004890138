/** The cheapest closed path round a middle, by dynamic programming (Viterbi on a ring of columns). */

/**
 * `costs`: `angles` rows of `radii` values. Answers the radius index for each angle: the path with the least sum of
 * costs plus `stiffness` times the squared step between neighbours, steps of at most `reach`. Closed: the last and the
 * first are neighbours too. The start is found by going round twice, and then held.
 */
export function closedPath(costs: Float32Array, angles: number, radii: number, stiffness: number, reach: number): Uint16Array {
  const around = walk(costs, angles, radii, stiffness, reach, 2 * angles, null);
  const start = around[angles] ?? 0;
  return walk(costs, angles, radii, stiffness, reach, angles + 1, start).subarray(0, angles);
}

/** A path over `steps` rows, beginning at row 0 and going round; `held` is the radius at both ends, null for any. */
function walk(
  costs: Float32Array,
  angles: number,
  radii: number,
  stiffness: number,
  reach: number,
  steps: number,
  held: number | null,
): Uint16Array {
  const came = new Int8Array(steps * radii);
  let before = new Float32Array(radii);
  let now = new Float32Array(radii);
  for (let radius = 0; radius < radii; radius++) {
    before[radius] = held === null || radius === held ? (costs[radius] ?? 0) : Infinity;
  }
  for (let step = 1; step < steps; step++) {
    const row = (step % angles) * radii;
    for (let radius = 0; radius < radii; radius++) {
      let least = Infinity;
      let from = 0;
      const [low, high] = [Math.max(-reach, -radius), Math.min(reach, radii - 1 - radius)];
      for (let jump = low; jump <= high; jump++) {
        const cost = (before[radius + jump] ?? Infinity) + stiffness * jump * jump;
        if (cost < least) {
          least = cost;
          from = jump;
        }
      }
      now[radius] = least + (costs[row + radius] ?? 0);
      came[step * radii + radius] = from;
    }
    [before, now] = [now, before];
  }
  return traced(came, radii, steps, held ?? before.indexOf(Math.min(...before)));
}

function traced(came: Int8Array, radii: number, steps: number, last: number): Uint16Array {
  const path = new Uint16Array(steps);
  let radius = last;
  for (let step = steps - 1; step >= 0; step--) {
    path[step] = radius;
    radius += came[step * radii + radius] ?? 0;
  }
  return path;
}
