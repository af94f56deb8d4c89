import { expect, test } from "vitest";
import { clamped, positive, smallestPositive } from "../src/logarithm";
import { centres, grouped } from "../src/plane";

test("points are parted by class and part, and none is lost", () => {
  const values = Float32Array.of(1, 2, 1, 0, 3, 4, 0, 2, 5, 6, 1, 0, 7, 8, 0, 0);
  expect(grouped(values)).toEqual([
    { class: 0, part: 0, x: [7], y: [8] },
    { class: 0, part: 2, x: [3], y: [4] },
    { class: 1, part: 0, x: [1, 5], y: [2, 6] },
  ]);
});

test("cells fill the range, each around its centre", () => {
  expect(centres([-4, 4], 4)).toEqual([-3, -1, 1, 3]);
});

test("on a logarithmic axis lines have gaps where bands reach down", () => {
  expect(positive([1, 0, -2, NaN])).toEqual([1, NaN, NaN, NaN]);
  const floor = smallestPositive([1, 0, 0.25, -2, NaN]);
  expect(clamped([1, 0, 0.25, -2, NaN], floor)).toEqual([1, 0.25, 0.25, 0.25, NaN]);
});
