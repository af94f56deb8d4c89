/** What the script hears of the canvas. Each time it does it runs, and sends the page anew: what belongs together is said at once. */

export interface Told {
  /** The newest revision that the canvas itself has made. */
  revision?: number;
  /** The level on show, and what is selected there. */
  at?: string;
  nodes?: string[];
}

/** In milliseconds: what is selected waits until it has come to rest, and a change for that, as it often selects what it has made. */
export const REST = 50;
/** No change waits longer, whatever is being selected. */
const LONGEST = 500;

export class Telling {
  private told: Told = {};
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly say: (told: Told) => void) {}

  /** The canvas has made a revision. */
  revised(revision: number): void {
    this.told = { ...this.told, revision };
    this.timer ??= setTimeout(this.speak, LONGEST);
  }

  /** What is selected has come to rest; `isNews` where the script does not know of it. */
  selected(at: string, nodes: string[], isNews: boolean): void {
    this.told = { ...this.told, at, nodes };
    if (isNews || this.timer !== undefined) this.speak();
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private readonly speak = (): void => {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.say(this.told);
  };
}
