import { expect, test } from "vitest";

import { area } from "../geometry/polygon";
import { around, ellipseOf, SHRINK, shrunk, within } from "./start";

const FIELD = { width: 400, height: 300 };

test("a circle says where it is; a box holds an ellipse that gets the room of a circle; a contour says nothing", () => {
  expect(ellipseOf({ kind: "circle", points: [50, 60, 20] }, FIELD)).toEqual({ x: 50, y: 60, rx: 20, ry: 20 });
  const boxed = ellipseOf({ kind: "box", points: [100, 100, 140, 160] }, FIELD);
  expect(boxed).toMatchObject({ x: 120, y: 130 });
  expect(boxed?.rx).toBeCloseTo(20 / 0.93, 9);
  expect(boxed?.ry).toBeCloseTo(30 / 0.93, 9);
  expect(ellipseOf({ kind: "contour", points: [0, 0, 9, 0, 5, 9] }, FIELD)).toBeNull();
});

test.each([
  ["left", [0, 100, 30, 160], [0, 130]],
  ["right", [370, 100, 400, 160], [400, 130]],
  ["upper", [100, 0, 160, 40], [130, 10]],
  ["lower", [100, 260, 160, 300], [130, 290]],
])("a box that the %s border cuts is of a cell as long as it is broad", (_, points, [x, y]) => {
  const ellipse = ellipseOf({ kind: "box", points }, FIELD);
  expect(ellipse).toMatchObject({ x, y });
  expect(ellipse?.rx).toBeCloseTo(30 / 0.93, 9);
  expect(ellipse?.ry).toBeCloseTo(30 / 0.93, 9);
});

test("a field as small as the box cuts nothing off", () => {
  expect(ellipseOf({ kind: "box", points: [0, 0, 400, 300] }, FIELD)).toMatchObject({ x: 200, y: 150 });
});

test("what is looked at lies on the field, in whole pixels, and the place in it is the same", () => {
  const ellipse = { x: 10.5, y: 150, rx: 20, ry: 20 };
  const part = around(ellipse, FIELD);
  expect(part).toEqual({ x0: 0, y0: 119, x1: 42, y1: 181 });
  expect(within(ellipse, part)).toEqual({ x: 10.5, y: 31, rx: 20, ry: 20 });
});

test("shrunk it has the area of the ellipse times the square of the share", () => {
  const shape = shrunk({ x: 100, y: 100, rx: 30, ry: 20 });
  expect(area(shape.points) / (Math.PI * 30 * 20 * SHRINK ** 2)).toBeCloseTo(1, 2);
});
