import { expect, test } from "vitest";
import { decodeRun, decodeView } from "../src/wire";
import { META, bucket, framed, rows } from "./answers";

test("every field of a row is read from its place", () => {
  const sent = [
    bucket(1, 1, 0.5, { min: 0.25, max: 0.75, series: 3 }),
    bucket(5_000_000_000, 5_000_000_511, -1.5, { points: 512, min: -4, max: 8, series: 65_535 }),
  ];
  const { meta, buckets } = decodeRun(framed({ ...META, closed: 1, open: 1 }, rows(sent)));
  expect(buckets).toEqual(sent);
  expect(meta.generation).toBe("first");
});

test("values that are not finite keep their value", () => {
  const sent = [bucket(1, 1, NaN), bucket(2, 2, Infinity), bucket(3, 3, -Infinity)];
  const { buckets } = decodeRun(framed({ ...META, closed: 3 }, rows(sent)));
  expect(buckets.map((one) => one.mean)).toEqual([NaN, Infinity, -Infinity]);
});

test("text that is not ASCII does not shift the rows", () => {
  const { meta, buckets } = decodeRun(framed({ ...META, series: ["verlust/größe"], closed: 1 }, rows([bucket(7, 7, 2)])));
  expect(meta.series).toEqual(["verlust/größe"]);
  expect(buckets[0]!.first).toBe(7);
});

test("an answer that was cut short is refused, wherever the cut", () => {
  const whole = framed({ ...META, closed: 1, open: 1 }, rows([bucket(1, 1, 1), bucket(2, 2, 2)]));
  for (let length = 0; length < whole.byteLength; length++) {
    expect(() => decodeRun(whole.slice(0, length)), `${length} bytes`).toThrow();
  }
});

test("a picture is its meta and its numbers", () => {
  const numbers = new Uint8Array(Float32Array.of(-1, 0.5, 1).buffer); // this machine is little-endian, as the wire is
  const { meta, values } = decodeView<{ step: number }>(framed({ step: 12 }, numbers));
  expect(meta.step).toBe(12);
  expect([...values]).toEqual([-1, 0.5, 1]);
});

test("a picture that was cut inside a number is refused", () => {
  expect(() => decodeView(framed({ step: 1 }, new Uint8Array(7)))).toThrow(RangeError);
});
