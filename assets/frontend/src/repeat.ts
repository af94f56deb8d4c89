/** Does something again and again: not in a hidden tab, later after each failure, at once when tab or network are back. */

const LONGEST_WAIT = 15_000;
const LONGEST_PULL = 8_000;

export class Repeater {
  private timer = 0;
  private running: AbortController | undefined;
  private failures = 0;
  private wanted = false;

  /**
   * `work` says after how many milliseconds it wants to be done again, or null for never.
   * `told` hears how often in a row it has thrown by now; it is tried again later and later.
   */
  constructor(
    private readonly work: (signal: AbortSignal) => Promise<number | null>,
    private readonly told: (failures: number) => void,
  ) {
    document.addEventListener("visibilitychange", this.wake);
    window.addEventListener("online", this.wake);
  }

  /** Begin, or begin anew: work under way is given up. */
  start(): void {
    this.pause();
    this.failures = 0;
    this.wanted = true;
    this.wake();
  }

  stop(): void {
    this.pause();
    document.removeEventListener("visibilitychange", this.wake);
    window.removeEventListener("online", this.wake);
  }

  private pause(): void {
    this.wanted = false;
    window.clearTimeout(this.timer);
    this.running?.abort();
    this.running = undefined;
  }

  private readonly wake = (): void => {
    window.clearTimeout(this.timer);
    if (this.wanted && !document.hidden && !this.running) void this.once();
  };

  private async once(): Promise<void> {
    const controller = new AbortController();
    this.running = controller;
    const deadline = window.setTimeout(() => controller.abort(), LONGEST_PULL);
    let wait: number | null = null;
    let failed = false;
    try {
      wait = await this.work(controller.signal);
    } catch {
      // Whatever went wrong (no server, no network, an answer cut short), the next try asks for the same again.
      failed = true;
    }
    window.clearTimeout(deadline);
    if (this.running !== controller) return; // given up meanwhile: nobody is waiting for this
    this.running = undefined;
    this.failures = failed ? this.failures + 1 : 0;
    this.told(this.failures);
    // Many pages lose one server at the same moment: chance keeps them from coming back at the same moment.
    if (failed) wait = Math.min(LONGEST_WAIT, 500 * 2 ** this.failures) * (0.75 + Math.random() / 2);
    if (wait === null) this.wanted = false;
    else this.timer = window.setTimeout(this.wake, wait);
  }
}
