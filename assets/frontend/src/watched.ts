/** One of several runs that are watched together: what is known of it, kept up to date for as long as it goes on. */

import { History } from "./history";
import { pullSeries, waitAfter, type Source } from "./pull";
import { Repeater } from "./repeat";
import { isAlive } from "./status";
import type { RunMeta, Status } from "./wire";

export class Watched {
  readonly history = new History();
  meta: RunMeta | undefined;
  /** Not ours to see, or not there any more. */
  isGone = false;
  /** The server does not answer. */
  isSilent = false;
  private readonly repeater = new Repeater((signal) => this.pull(signal), (failures) => this.showFailures(failures));

  /** `told` is called with every answer, and when there is none. */
  constructor(
    private readonly source: Source,
    private readonly told: (run: Watched) => void,
  ) {
    this.repeater.start();
  }

  get id(): string {
    return this.source.run;
  }

  /** Python has seen another status: where the run had ended for us and goes on again, so do we. */
  noteStatus(status: Status | null): void {
    const wasOver = this.meta !== undefined && !isAlive(this.meta.status);
    if (wasOver && status !== null && isAlive(status)) this.repeater.start();
  }

  close(): void {
    this.repeater.stop();
  }

  private async pull(signal: AbortSignal): Promise<number | null> {
    const meta = await pullSeries(this.source, this.history, signal);
    this.isGone = !meta;
    this.meta = meta;
    this.told(this);
    return meta ? waitAfter(meta) : null;
  }

  private showFailures(failures: number): void {
    const isSilent = failures > 0;
    if (isSilent === this.isSilent) return;
    this.isSilent = isSilent;
    this.told(this);
  }
}
