import { expect, test } from "vitest";
import { History } from "../src/history";
import { META, bucket } from "./answers";

test("open buckets give way to what comes after them, closed ones stay", () => {
  const history = new History();
  history.add({ meta: { ...META, cursor: 1, closed: 1, open: 1 }, buckets: [bucket(1, 1, 1), bucket(2, 2, 9)] });
  expect(history.series("train/loss")!.lastValue).toBe(9);
  history.add({ meta: { ...META, cursor: 2, closed: 1, open: 1 }, buckets: [bucket(2, 3, 2), bucket(4, 4, 4)] });
  expect(history.cursor).toBe(2);
  expect(history.lastStep).toBe(4);
  expect(history.series("train/loss")!.curve(1, 4, 200).mean).toEqual([1, 2, 4]);
});

test("each bucket goes to its series, and one that appears later has its place", () => {
  const history = new History();
  history.add({ meta: { ...META, closed: 1 }, buckets: [bucket(1, 1, 1)] });
  const series = ["train/loss", "validation/loss"];
  history.add({ meta: { ...META, series, closed: 2 }, buckets: [bucket(5, 5, 50, { series: 1 }), bucket(2, 2, 2)] });
  expect(history.series("train/loss")!.lastValue).toBe(2);
  expect(history.series("validation/loss")!.lastValue).toBe(50);
  expect(history.series("test/loss")).toBeUndefined();
});

test("another attempt starts from nothing", () => {
  const history = new History();
  history.add({ meta: { ...META, cursor: 1, closed: 1 }, buckets: [bucket(1, 900, 1)] });
  history.add({ meta: { ...META, generation: "second", reset: true, cursor: 1, closed: 1 }, buckets: [bucket(1, 1, 3)] });
  expect(history.generation).toBe("second");
  expect(history.lastStep).toBe(1);
  expect(history.series("train/loss")!.length).toBe(1);
});

test("before the first row there is no last step", () => {
  const history = new History();
  history.add({ meta: META, buckets: [] });
  expect(history.lastStep).toBe(-1);
});
