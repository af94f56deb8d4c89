/** Talks with the server about one design: one request at a time, in order, each on top of the newest revision. */

import type { Refusal, Sheet } from "./sheet";

export type Answer =
  | { kind: "sheet"; sheet: Sheet }
  | { kind: "clip"; clip: unknown }
  /** Nothing is newer than what is held. */
  | { kind: "nothing" }
  | { kind: "refused"; refusal: Refusal }
  /** No answer (status null), or one that says nothing of the design. */
  | { kind: "failed"; status: number | null };

/** What holds the design here; asked as late as possible, told before the next request goes. */
export interface Holder {
  /** The newest revision that is known, whatever the level: what a change is based on. */
  revision(): number | null;
  /** The revision from which a level can be brought up to date; null asks for all of it. */
  since(at: string): number | null;
  /** `at` is the level that was asked for. */
  take(answer: Answer, at: string, kind: Kind): void;
}

/** What was asked: what is new, a change, or nodes for the clipboard. */
export type Kind = "news" | "change" | "copy";

/** Something to be changed or copied: `kind` is the last part of the route. */
export interface Change {
  kind: "edits" | "add" | "duplicate" | "copy" | "paste" | "undo" | "redo";
  at: string;
  body: Record<string, unknown>;
}

/** A request that takes longer than this has failed, in milliseconds. */
const LONGEST = 20_000;

export class Requests {
  private tail: Promise<unknown> = Promise.resolve();
  private refreshing: Promise<Answer> | undefined;
  /** Changes asked for before a failure rest on a state that the server may never have had. */
  private failures = 0;

  /** `url` makes an address of a path behind the design's own. */
  constructor(
    private readonly url: (path: string) => URL,
    private readonly holder: Holder,
    private readonly send: typeof fetch = (input, init) => fetch(input, init),
  ) {}

  /** Ask for a change. After a failure the changes that wait behind it fail too. */
  change({ kind, at, body }: Change): Promise<Answer> {
    const failures = this.failures;
    return this.queue(async () => {
      if (failures !== this.failures) return { kind: "failed", status: null };
      const base = kind === "copy" ? {} : { base: this.holder.revision() };
      const answer = await this.ask(`/${kind}`, { method: "POST", body: JSON.stringify({ ...base, at, ...body }) });
      if (answer.kind === "failed") this.failures += 1;
      this.holder.take(answer, at, kind === "copy" ? "copy" : "change");
      return answer;
    });
  }

  /** Ask for what is new of a level. Asked again before it went, it goes once. */
  refresh(level: () => string): Promise<Answer> {
    this.refreshing ??= this.queue(async () => {
      this.refreshing = undefined;
      const at = level();
      const query = new URLSearchParams({ at });
      const since = this.holder.since(at);
      if (since !== null) query.set("since", String(since));
      const answer = await this.ask(`?${query}`, { method: "GET" });
      this.holder.take(answer, at, "news");
      return answer;
    });
    return this.refreshing;
  }

  private queue(work: () => Promise<Answer>): Promise<Answer> {
    const done = this.tail.then(work);
    this.tail = done.catch(() => undefined);
    return done;
  }

  private async ask(path: string, init: RequestInit): Promise<Answer> {
    try {
      const response = await this.send(this.url(path), {
        ...init,
        ...(init.body === undefined ? {} : { headers: { "Content-Type": "application/json" } }),
        cache: "no-store",
        credentials: "same-origin",
        signal: AbortSignal.timeout(LONGEST),
      });
      if (response.status === 204) return { kind: "nothing" };
      if (response.status === 409) return { kind: "refused", refusal: (await response.json()) as Refusal };
      if (!response.ok) return { kind: "failed", status: response.status };
      const said = (await response.json()) as Sheet | { clip: unknown };
      return "clip" in said ? { kind: "clip", clip: said.clip } : { kind: "sheet", sheet: said };
    } catch {
      return { kind: "failed", status: null }; // no network, or an answer cut short
    }
  }
}
