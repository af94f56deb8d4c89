/** The buckets of one series as growing columns, their smoothed course, and their merging to what pixels can show. */

import type { Bucket } from "./wire";

/** What is drawn: one entry a point, by rising step. A gap is NaN. */
export interface Curve {
  step: number[];
  points: number[];
  mean: number[];
  smooth: number[];
  min: number[];
  max: number[];
}

const COLUMNS = ["first", "last", "points", "mean", "min", "max", "smooth"] as const;

export class Series {
  length = 0;
  first = new Float64Array(1024);
  last = new Float64Array(1024);
  points = new Float64Array(1024);
  mean = new Float64Array(1024);
  min = new Float64Array(1024);
  max = new Float64Array(1024);
  smooth = new Float64Array(1024);

  private closed = 0;
  private memory = 1;
  /** The smoothing up to the last closed bucket that it has seen. */
  private settled = { rows: 0, sum: 0, weight: 0 };

  /** Append a bucket; a closed one stays, an open one goes with the next `forgetOpen`. */
  push(bucket: Bucket, isClosed: boolean): void {
    if (this.length === this.first.length) this.grow();
    const row = this.length++;
    this.first[row] = bucket.first;
    this.last[row] = bucket.last;
    this.points[row] = bucket.points;
    this.mean[row] = bucket.mean;
    this.min[row] = bucket.min;
    this.max[row] = bucket.max;
    if (isClosed) this.closed = this.length;
  }

  forgetOpen(): void {
    this.length = this.closed;
  }

  get firstStep(): number {
    return this.length ? this.first[0]! : NaN;
  }

  get lastStep(): number {
    return this.length ? this.last[this.length - 1]! : NaN;
  }

  get lastValue(): number {
    return this.length ? this.mean[this.length - 1]! : NaN;
  }

  /**
   * Fill `smooth` with the exponential moving average that remembers about `memory` steps (1: none).
   *
   * It is debiased: the first value is the first mean. Time is counted in steps, not buckets, so that a wide bucket
   * weighs as much as its steps would, and a metric measured rarely lags no more than one measured often.
   */
  smoothOver(memory: number): void {
    if (memory !== this.memory) {
      this.memory = memory;
      this.settled = { rows: 0, sum: 0, weight: 0 };
    }
    let { sum, weight } = this.settled;
    for (let row = this.settled.rows; row < this.length; row++) {
      const mean = this.mean[row]!;
      if (Number.isFinite(mean)) {
        const before = row > 0 ? this.last[row - 1]! : this.first[row]! - 1;
        const keep = (1 - 1 / memory) ** Math.max(1, this.last[row]! - before);
        sum = keep * sum + (1 - keep) * mean;
        weight = keep * weight + (1 - keep);
      }
      this.smooth[row] = Number.isFinite(mean) ? sum / weight : NaN;
      if (row < this.closed) this.settled = { rows: row + 1, sum, weight };
    }
  }

  /**
   * The curve from step `from` to step `to` and one bucket beyond each, merged to about `pixels` points.
   *
   * Minimum and maximum are exact, the mean is weighted by points, and a merged point is a gap only where all of it is.
   */
  curve(from: number, to: number, pixels: number): Curve {
    const start = Math.max(0, lowerBound(this.last, this.length, from) - 1);
    const end = Math.min(this.length, lowerBound(this.first, this.length, to) + 2);
    const width = end - start > 2 * pixels ? (to - from) / pixels : 0;
    const curve: Curve = { step: [], points: [], mean: [], smooth: [], min: [], max: [] };
    let row = start;
    while (row < end) {
      const limit = width > 0 ? from + (Math.floor((this.last[row]! - from) / width) + 1) * width : -Infinity;
      let next = row + 1;
      while (next < end && this.last[next]! < limit) next++;
      this.merge(row, next, curve);
      row = next;
    }
    return curve;
  }

  /** Append the buckets of the rows `start` to `end` (left out) to the curve as one point. */
  private merge(start: number, end: number, curve: Curve): void {
    let points = 0;
    let sum = 0;
    let smooth = NaN;
    let min = Infinity;
    let max = -Infinity;
    for (let row = start; row < end; row++) {
      const mean = this.mean[row]!;
      if (!Number.isFinite(mean)) continue;
      points += this.points[row]!;
      sum += mean * this.points[row]!;
      smooth = this.smooth[row]!;
      min = Math.min(min, this.min[row]!);
      max = Math.max(max, this.max[row]!);
    }
    curve.step.push(this.last[end - 1]!);
    curve.points.push(points);
    curve.mean.push(points ? sum / points : NaN);
    curve.smooth.push(smooth);
    curve.min.push(points ? min : NaN);
    curve.max.push(points ? max : NaN);
  }

  private grow(): void {
    const capacity = 2 * this.first.length;
    for (const column of COLUMNS) {
      const longer = new Float64Array(capacity);
      longer.set(this[column]);
      this[column] = longer;
    }
  }
}

/** The first index below `length` whose value is not less than `value`; the values rise. */
function lowerBound(values: Float64Array, length: number, value: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
