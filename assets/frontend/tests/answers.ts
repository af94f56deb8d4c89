/** Answers as the server writes them, made here by hand from the description of the format. */

import type { Bucket, RunMeta } from "../src/wire";

export const META: RunMeta = {
  cursor: 0,
  closed: 0,
  open: 0,
  series: ["train/loss"],
  generation: "first",
  reset: false,
  status: "running",
  step: 0,
  total_steps: 0,
  epoch: 0,
  epochs: 0,
  seconds: 0,
  samples_per_second: 0,
  remaining_seconds: null,
  device: null,
  place: null,
  starts_in: null,
  rate: null,
  memory: null,
  advised: null,
  problem: null,
};

export function bucket(first: number, last: number, mean: number, more: Partial<Bucket> = {}): Bucket {
  return { series: 0, points: last - first + 1, first, last, mean, min: mean, max: mean, ...more };
}

/** The bytes of an answer: length, JSON, body. */
export function framed(meta: object, body: Uint8Array): ArrayBuffer {
  const json = new TextEncoder().encode(JSON.stringify(meta));
  const bytes = new Uint8Array(4 + json.length + body.length);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, 4);
  bytes.set(body, 4 + json.length);
  return bytes.buffer;
}

export function row(one: Bucket): Uint8Array {
  const view = new DataView(new ArrayBuffer(40));
  view.setUint16(0, one.series, true);
  view.setUint32(4, one.points, true);
  view.setBigInt64(8, BigInt(one.first), true);
  view.setBigInt64(16, BigInt(one.last), true);
  [one.mean, one.min, one.max].forEach((value, index) => view.setFloat32(24 + 4 * index, value, true));
  return new Uint8Array(view.buffer);
}

export function rows(buckets: Bucket[]): Uint8Array {
  const bytes = new Uint8Array(40 * buckets.length);
  buckets.forEach((one, index) => bytes.set(row(one), 40 * index));
  return bytes;
}

/** The same numbers in every run of the tests, from 0 up to 1. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (1_664_525 * state + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}
