/** All that is known of a run's metrics, kept up to date by the answers of the series route. */

import { Series } from "./series";
import type { RunAnswer } from "./wire";

export class History {
  /** Sent with the next request: the server answers with what is later. */
  cursor = 0;
  generation = "";
  private all: Series[] = [];
  private names: string[] = [];

  /** Take in an answer: closed buckets are added, open ones take the place of the last open ones. */
  add({ meta, buckets }: RunAnswer): void {
    if (meta.reset) this.all = [];
    this.generation = meta.generation;
    this.cursor = meta.cursor;
    this.names = meta.series;
    while (this.all.length < meta.series.length) this.all.push(new Series());
    for (const series of this.all) series.forgetOpen();
    buckets.forEach((bucket, row) => this.all[bucket.series]?.push(bucket, row < meta.closed));
  }

  series(name: string): Series | undefined {
    return this.all[this.names.indexOf(name)];
  }

  /** The last step of any series; -1 where nothing has been recorded. */
  get lastStep(): number {
    return this.all.reduce((last, series) => (series.length ? Math.max(last, series.lastStep) : last), -1);
  }
}
