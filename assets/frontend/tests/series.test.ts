import { expect, test } from "vitest";
import { Series, type Curve } from "../src/series";
import type { Bucket } from "../src/wire";
import { bucket, randomNumbers } from "./answers";

function seriesOf(buckets: Bucket[]): Series {
  const series = new Series();
  for (const one of buckets) series.push(one, true);
  return series;
}

/** Buckets that grow wider, as the store writes them, with a mean inside their minimum and maximum. */
function growingBuckets(count: number, seed = 1): Bucket[] {
  const random = randomNumbers(seed);
  let last = 0;
  return Array.from({ length: count }, (_, index) => {
    const points = 2 ** Math.floor(index / 1024);
    const [min, mean, max] = [random(), random(), random()].sort((one, other) => one - other) as [number, number, number];
    const first = last + 1;
    last += points;
    return bucket(first, last, mean, { min, max });
  });
}

/** The buckets whose last step lies after `from` and not after `to`. */
function between(buckets: Bucket[], from: number, to: number): Bucket[] {
  return buckets.filter((one) => one.last > from && one.last <= to);
}

function weightedMean(buckets: Bucket[]): number {
  const points = buckets.reduce((sum, one) => sum + one.points, 0);
  return buckets.reduce((sum, one) => sum + one.mean * one.points, 0) / points;
}

function expectExact(curve: Curve, buckets: Bucket[]): void {
  let from = -Infinity;
  curve.step.forEach((to, index) => {
    const merged = between(buckets, from, to);
    expect(merged.length).toBeGreaterThan(0);
    expect(curve.min[index]).toBe(Math.min(...merged.map((one) => one.min)));
    expect(curve.max[index]).toBe(Math.max(...merged.map((one) => one.max)));
    expect(curve.mean[index]).toBeCloseTo(weightedMean(merged), 12);
    expect(curve.points[index]).toBe(merged.reduce((sum, one) => sum + one.points, 0));
    from = to;
  });
}

test.each([200, 333, 1000])("merged to %i pixels, minimum, maximum and mean are exact and no bucket is lost", (pixels) => {
  const buckets = growingBuckets(7000);
  const curve = seriesOf(buckets).curve(1, buckets.at(-1)!.last, pixels);
  expectExact(curve, buckets);
  expect(curve.step.at(-1)).toBe(buckets.at(-1)!.last);
  expect(curve.step.length).toBeLessThanOrEqual(pixels + 2);
  expect(curve.step.length).toBeGreaterThan(pixels / 2);
  const points = buckets.reduce((sum, one) => sum + one.points, 0);
  expect(curve.points.reduce((sum, count) => sum + count, 0)).toBe(points);
});

test("what fits the pixels is not merged", () => {
  const buckets = growingBuckets(300);
  const curve = seriesOf(buckets).curve(1, 300, 200);
  expect(curve.step).toEqual(buckets.map((one) => one.last));
  expect(curve.mean).toEqual(buckets.map((one) => one.mean));
});

test("a window shows its own buckets and one beyond each end, so that the line reaches the rim", () => {
  const buckets = Array.from({ length: 100 }, (_, index) => bucket(index + 1, index + 1, index));
  expect(seriesOf(buckets).curve(40, 50, 500).step).toEqual([39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51]);
});

test("a window into many buckets is exact too", () => {
  const buckets = growingBuckets(9000);
  const curve = seriesOf(buckets).curve(2000, 9000, 100);
  const start = buckets.findIndex((one) => one.last >= 2000) - 1;
  expectExact(curve, buckets.slice(start));
  expect(curve.step.at(-1)).toBeGreaterThan(9000);
});

test("a point is a gap only where everything in it is", () => {
  const buckets = Array.from({ length: 1000 }, (_, index) => {
    const isGap = index === 5 || (index >= 400 && index < 600);
    return bucket(index + 1, index + 1, isGap ? NaN : 1);
  });
  const series = seriesOf(buckets);
  series.smoothOver(20);
  const curve = series.curve(1, 1000, 100);
  const gaps = curve.step.filter((_, index) => Number.isNaN(curve.mean[index]));
  expect(Math.min(...gaps)).toBeGreaterThan(400);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(600);
  expect(gaps.length).toBeGreaterThanOrEqual(18);
  curve.step.forEach((_, index) => {
    const isGap = Number.isNaN(curve.mean[index]);
    expect([curve.smooth, curve.min, curve.max].map((column) => Number.isNaN(column[index]))).toEqual([isGap, isGap, isGap]);
  });
});

test("values that are infinite are gaps", () => {
  const curve = seriesOf([bucket(1, 1, 1), bucket(2, 2, Infinity), bucket(3, 3, 2)]).curve(1, 3, 200);
  expect(curve.mean).toEqual([1, NaN, 2]);
});

/** The debiased moving average of one value a step, from its definition: a sum over all values before. */
function averageByDefinition(values: number[], memory: number): number[] {
  const beta = 1 - 1 / memory;
  return values.map((_, end) => {
    const seen = values.slice(0, end + 1);
    const weights = seen.map((_, index) => beta ** (end - index));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return seen.reduce((sum, value, index) => sum + value * weights[index]!, 0) / total;
  });
}

test.each([1, 2, 20, 1000])("smoothed over %i steps, a value a step is the debiased moving average", (memory) => {
  const random = randomNumbers(memory);
  const values = Array.from({ length: 300 }, () => random());
  const series = seriesOf(values.map((value, index) => bucket(index + 1, index + 1, value)));
  series.smoothOver(memory);
  averageByDefinition(values, memory).forEach((expected, row) => expect(series.smooth[row]).toBeCloseTo(expected, 10));
});

test("a wide bucket counts as all of its steps", () => {
  const values = Array.from({ length: 40 }, (_, index) => (index < 20 ? 3 : 7));
  const wide = seriesOf([bucket(1, 20, 3), bucket(21, 40, 7)]);
  wide.smoothOver(10);
  expect(wide.smooth[1]).toBeCloseTo(averageByDefinition(values, 10).at(-1)!, 10);
});

test("a metric measured every hundred steps hardly lags behind", () => {
  const rare = seriesOf([bucket(100, 100, 1, { points: 1 }), bucket(200, 200, 5, { points: 1 })]);
  rare.smoothOver(20);
  expect(rare.smooth[1]).toBeGreaterThan(4.95);
});

test("a gap stays a gap, and the average goes on behind it as before", () => {
  const series = seriesOf([bucket(1, 1, 2), bucket(2, 2, NaN), bucket(3, 3, 4)]);
  series.smoothOver(4);
  expect(series.smooth[1]).toBeNaN();
  expect(series.smooth[2]).toBeCloseTo(averageByDefinition([2, 4], 4)[1]!, 12);
});

test("smoothing bit by bit, with open buckets that change, equals smoothing at once", () => {
  const buckets = growingBuckets(2500);
  const atOnce = seriesOf(buckets);
  atOnce.smoothOver(50);
  const bitByBit = new Series();
  buckets.forEach((one, index) => {
    bitByBit.forgetOpen();
    bitByBit.push(one, true);
    bitByBit.push(bucket(one.last + 1, one.last + 1, 100), false);
    if (index % 7 === 0) bitByBit.smoothOver(50);
  });
  bitByBit.forgetOpen();
  bitByBit.smoothOver(50);
  expect(bitByBit.length).toBe(2500);
  expect(bitByBit.smooth.slice(0, 2500)).toEqual(atOnce.smooth.slice(0, 2500));
});

test("another memory smooths everything anew", () => {
  const buckets = growingBuckets(100);
  const series = seriesOf(buckets);
  series.smoothOver(500);
  series.smoothOver(1);
  expect([...series.smooth.slice(0, 100)]).toEqual(buckets.map((one) => one.mean));
});
