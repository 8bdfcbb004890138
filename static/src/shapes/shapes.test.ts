import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { imagePoint } from "../geometry/points";
import type { Shape } from "../types";
import {
  area,
  bounds,
  box,
  circle,
  clamped,
  contains,
  contour,
  cornerRemoved,
  diameter,
  faultOf,
  handles,
  middle,
  moved,
  resized,
  scaled,
  toContour,
} from "./index";

const FIELD = { width: 4000, height: 3000 };

const place = fc
  .tuple(fc.integer({ min: 200, max: 3000 }), fc.integer({ min: 200, max: 2500 }))
  .map(([x, y]) => imagePoint(x, y));
const size = fc.integer({ min: 3, max: 150 });
const circles = fc.tuple(place, size).map(([centre, radius]) => circle(centre, radius));
const boxes = fc.tuple(place, size, size).map(([at, width, height]) => box(at, imagePoint(at.x + width, at.y + height)));
const contours = fc.tuple(place, size, size).map(([at, width, height]) =>
  contour([at, imagePoint(at.x + width, at.y), imagePoint(at.x + 2 * width, at.y + height), imagePoint(at.x, at.y + 2 * height)]),
);
const shapes = fc.oneof(circles, boxes, contours);

describe("every shape", () => {
  test("lies in its bounds, and its middle lies in it", () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const { x0, y0, x1, y1 } = bounds(shape);
        expect(contains(shape, middle(shape))).toBe(true);
        expect(contains(shape, imagePoint(x0 - 1, y0 - 1))).toBe(false);
        expect(area(shape)).toBeLessThanOrEqual((x1 - x0) * (y1 - y0));
        expect(faultOf(shape, FIELD)).toBeNull();
      }),
    );
  });

  test("moved there and back is where it was; its size stays", () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: -99, max: 99 }), fc.integer({ min: -99, max: 99 }), (shape, dx, dy) => {
        expect(moved(moved(shape, dx, dy), -dx, -dy)).toEqual(shape);
        expect(area(moved(shape, dx, dy))).toBeCloseTo(area(shape), 6);
        expect(middle(moved(shape, dx, dy)).x).toBeCloseTo(middle(shape).x + dx, 6);
      }),
    );
  });

  test("a handle that is pulled to where it is changes nothing", () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        for (const { id, at } of handles(shape)) {
          const pulled = resized(shape, id, at);
          if (id.startsWith("middle")) expect(area(pulled)).toBeCloseTo(area(shape), 6);
          else expect(pulled.points.map((value) => Math.round(value * 1e6))).toEqual(shape.points.map((value) => value * 1e6));
        }
      }),
    );
  });

  test("twice as large has four times the area, round the same middle; as a contour it keeps its area", () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        expect(area(scaled(shape, 2)) / area(shape)).toBeCloseTo(4, 6);
        expect(middle(scaled(shape, 2)).y).toBeCloseTo(middle(shape).y, 6);
        expect(area(toContour(shape)) / area(shape)).toBeCloseTo(1, 6);
        expect(toContour(shape).kind).toBe("contour");
      }),
    );
  });

  test("clamped to the field it has no fault, wherever it was", () => {
    fc.assert(
      fc.property(fc.oneof(circles, boxes), fc.integer({ min: -3000, max: 3000 }), (shape, by) => {
        const inside = clamped(moved(shape, by, by), FIELD);
        const fault = faultOf(inside, FIELD);
        expect(fault === null || fault.includes("no size")).toBe(true);
      }),
    );
  });
});

describe("handles", () => {
  test("a circle stays a circle round its centre", () => {
    const round = circle(imagePoint(100, 100), 40);
    expect(resized(round, "radius", imagePoint(100, 160))).toEqual(circle(imagePoint(100, 100), 60));
    expect(resized(round, "centre", imagePoint(130, 90))).toEqual(circle(imagePoint(130, 90), 40));
    expect(diameter(round)).toBeCloseTo(80, 9);
  });

  test("a box that is pulled over its other side turns round", () => {
    const square = box(imagePoint(10, 10), imagePoint(20, 20));
    expect(resized(square, "se", imagePoint(0, 5)).points).toEqual([0, 5, 10, 10]);
    expect(resized(square, "n", imagePoint(99, 15)).points).toEqual([10, 15, 20, 20]);
  });

  test("a contour gains a corner from the middle of an edge, and keeps its last three", () => {
    const triangle = contour([imagePoint(0, 0), imagePoint(10, 0), imagePoint(5, 10)]);
    const four = resized(triangle, "middle 0", imagePoint(5, -5));
    expect(four.points).toEqual([0, 0, 5, -5, 10, 0, 5, 10]);
    expect(cornerRemoved(four, "corner 1")).toEqual(triangle);
    expect(cornerRemoved(triangle, "corner 1")).toEqual(triangle);
    expect(resized(triangle, "corner 9", imagePoint(1, 1))).toEqual(triangle);
  });
});

test.each<[Shape["kind"], number[], string]>([
  ["circle", [50, 50, 0], "no size"],
  ["circle", [-1, 50, 10], "outside"],
  ["circle", [50, 50], "centre and a radius"],
  ["circle", [50, 50, 1e6], "larger than the field"],
  ["circle", [Number.NaN, 50, 10], "not a number"],
  ["box", [10, 10, 10, 20], "no size"],
  ["box", [-2, 10, 10, 20], "outside"],
  ["box", [1, 2, 3], "two corners"],
  ["contour", [0, 0, 10, 10], "three corners"],
  ["contour", [0, 0, 10, 0, 20, 0], ""],
  ["contour", [0, 0, 10, 10, 10, 0, 0, 10], "crosses itself near 5, 5"],
  ["contour", [0, 0, 4010, 10, 10, 20], "outside"],
])("a fault is said with what to do: %s %j", (kind, points, words) => {
  const fault = faultOf({ kind, points }, FIELD);
  expect(fault).toContain(words);
  expect(fault).toMatch(/\. .+\.$/);
});

test("a circle may reach over the border, as the server has it", () => {
  expect(faultOf(circle(imagePoint(0, 3000), 80), FIELD)).toBeNull();
});
