/** A list that stands beside the canvas, as the server has it: fetched once, and then only what has changed in it. */

/** At a place, counted in the earlier list, so many items go, and these come. In order. */
export type Splice<Item> = [at: number, gone: number, items: Item[]];

interface Answer<About, Item> {
  revision: number;
  /** The revision that the splices belong to; null: an empty list. */
  base: number | null;
  /** What is said of the list as a whole, as far as it has changed. */
  about: Partial<About>;
  splices: Splice<Item>[];
}

export interface Listing<About, Item> {
  revision: number;
  about: About;
  items: readonly Item[];
}

export function spliced<Item>(items: readonly Item[], splices: readonly Splice<Item>[]): Item[] {
  const made = [...items];
  for (const [at, gone, come] of [...splices].reverse()) made.splice(at, gone, ...come); // from the end: places before it stay
  return made;
}

/** In milliseconds. A request that takes longer has failed; after a failure it is asked again, less and less often. */
const LONGEST = 20_000;
const AGAIN = 1_000;
const LONGEST_WAIT = 15_000;

export class Follower<About, Item> {
  private held: Listing<About, Item> | null = null;
  private wanted = -1;
  private isAsking = false;
  private isClosed = false;
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `took` hears of a newer list; `trouble` of what keeps it from coming, and of null when that is over. */
  constructor(
    private readonly address: URL,
    private readonly took: (listing: Listing<About, Item>) => void,
    private readonly trouble: (sentence: string | null) => void,
    private readonly send: typeof fetch = (input, init) => fetch(input, init),
  ) {}

  /** The script shows this revision of the design. */
  want(revision: number): void {
    this.wanted = revision;
    if (!this.isAsking) void this.ask();
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
  }

  private async ask(): Promise<void> {
    clearTimeout(this.timer);
    this.isAsking = true;
    const wanted = this.wanted;
    const answer = await this.answer();
    this.isAsking = false;
    if (this.isClosed) return;
    if (answer === "failed") {
      this.trouble("The server does not answer; trying again.");
      this.failures += 1;
      const wait = Math.min(LONGEST_WAIT, AGAIN * 2 ** (this.failures - 1)) * (0.75 + Math.random() / 2);
      this.timer = setTimeout(() => void this.ask(), wait);
      return;
    }
    this.failures = 0;
    if (typeof answer === "string") this.trouble(answer);
    else if (answer && !this.take(answer)) {
      this.held = null; // changes of a list that is not the one here: all of it is asked for
      return this.ask();
    } else this.trouble(null);
    if (this.wanted !== wanted) await this.ask(); // the script has gone on meanwhile
  }

  /** Whether an answer could be taken. */
  private take({ revision, base, about, splices }: Answer<About, Item>): boolean {
    if (base !== null && base !== this.held?.revision) return false;
    const before = base === null ? null : this.held;
    const whole = { ...before?.about, ...about } as About; // of an empty list everything is new
    this.held = { revision, about: whole, items: spliced(before?.items ?? [], splices) };
    this.took(this.held);
    return true;
  }

  /** The answer; null where nothing is newer; a sentence where there is no such list. */
  private async answer(): Promise<Answer<About, Item> | string | null> {
    const url = new URL(this.address);
    if (this.held) url.searchParams.set("since", String(this.held.revision));
    try {
      const response = await this.send(url, { cache: "no-store", credentials: "same-origin", signal: AbortSignal.timeout(LONGEST) });
      if (response.status === 204) return null;
      if (response.status === 409) return ((await response.json()) as { problems: { title: string }[] }).problems[0]?.title ?? "There is none.";
      if (response.status === 401 || response.status === 404) return "This is not open to you any more. Reload the page.";
      return response.ok ? ((await response.json()) as Answer<About, Item>) : "failed";
    } catch {
      return "failed"; // no network, or an answer cut short
    }
  }
}
