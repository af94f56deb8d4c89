/** One design on the canvas: what the server has said of it, what is on its way there, and what a person is told. */

import { Requests, type Answer, type Change, type Kind } from "./requests";
import { applySheet, STALE, viewPath, type Edit, type Level, type Place, type Problem, type Sheet } from "./sheet";

/** What a person is told until it is dismissed, or until it is no longer so. */
export interface Notice {
  title: string;
  because: string;
  /** A lost connection; goes by itself when the server answers again. */
  isOutage: boolean;
}

/** An immutable picture of the session: another object whenever something differs. */
export interface Snapshot {
  /** The level that a person wants to see; `level` may still be on its way. */
  at: string;
  level: Level | null;
  isBusy: boolean;
  notice: Notice | null;
  /** Nodes and wires that a person has deleted, until the server has answered. */
  gone: ReadonlySet<string>;
  /** Where a person has put nodes, until the server has answered. */
  moved: ReadonlyMap<string, Place>;
}

export interface Source {
  design: string;
  /** Where the routes are, relative to the page. */
  api: string;
}

/** What is shown at once of a change that is on its way. */
interface Ahead {
  gone?: string[];
  moved?: Map<string, Place>;
}

const NOBODY: ReadonlySet<string> = new Set();
const NOWHERE: ReadonlyMap<string, Place> = new Map();

/** How often is asked for what is new, in milliseconds: in a tab that is seen, and in one that is not. */
const SEEN = 1_000;
const HIDDEN = 10_000;
const LONGEST_WAIT = 15_000;
/** A request that takes longer than this is shown. */
const NOTICEABLE = 300;

export class Session {
  private snapshot: Snapshot;
  private readonly listeners = new Set<() => void>();
  private readonly requests: Requests;
  private readonly ahead = new Set<Ahead>();
  private newest: number | null = null;
  /** What is held cannot be brought up to date by changes: all of it is asked for. */
  private isStale = false;
  private waiting = 0;
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private slow: ReturnType<typeof setTimeout> | undefined;
  private isClosed = false;

  /** `told` hears of each revision that the canvas itself has made. */
  constructor(
    source: Source,
    at: string,
    private readonly told: (revision: number) => void,
    send?: typeof fetch,
  ) {
    this.snapshot = { at, level: null, isBusy: false, notice: null, gone: NOBODY, moved: NOWHERE };
    const url = (path: string) => new URL(`${source.api}/designs/${encodeURIComponent(source.design)}${path}`, document.baseURI);
    const since = (level: string) => (!this.isStale && this.snapshot.level?.at === level ? this.snapshot.level.revision : null);
    this.requests = new Requests(url, { revision: () => this.newest, since, take: (...told) => this.take(...told) }, send);
    document.addEventListener("visibilitychange", this.look);
    window.addEventListener("online", this.look);
    this.look();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly current = (): Snapshot => this.snapshot;

  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
    clearTimeout(this.slow);
    document.removeEventListener("visibilitychange", this.look);
    window.removeEventListener("online", this.look);
    this.listeners.clear();
  }

  /** Go to another level; its nodes come with the next answer. */
  go(at: string): void {
    if (at === this.snapshot.at) return;
    this.update({ at, level: null });
    this.look();
  }

  /** The script knows of this revision. */
  hear(revision: number): void {
    if (this.newest !== null && revision > this.newest) this.look();
  }

  /** Ask for all of it, whatever is held. */
  reload(): void {
    this.isStale = true;
    this.look();
  }

  tell(title: string, because = ""): void {
    this.update({ notice: { title, because, isOutage: false } });
  }

  dismiss(): void {
    this.update({ notice: null });
  }

  edit(edits: Edit[], ahead: Ahead = {}): Promise<Answer> {
    return this.change("edits", { edits }, ahead);
  }

  /** Put nodes where a person has put them. */
  move(places: Map<string, Place>): Promise<Answer> {
    const view = viewPath(this.snapshot.level?.block ?? null);
    const edits = [...places].map(([id, value]): Edit => ({ edit: "set", path: `${view}.${id}`, value }));
    return this.edit(edits, { moved: places });
  }

  /** Ask for a change of the level on show; what is shown ahead of the answer stays until it has come. */
  async change(kind: Change["kind"], body: Record<string, unknown>, ahead: Ahead = {}): Promise<Answer> {
    this.ahead.add(ahead);
    this.showAhead();
    this.begin();
    try {
      return await this.requests.change({ kind, at: this.snapshot.at, body });
    } finally {
      this.end();
      this.ahead.delete(ahead);
      this.showAhead();
    }
  }

  /** Ask for what is new, and then again and again. */
  private readonly look = (): void => {
    clearTimeout(this.timer);
    if (this.isClosed) return;
    if (this.snapshot.level === null) this.begin();
    const isFirst = this.snapshot.level === null;
    void this.requests.refresh(() => this.snapshot.at).finally(() => {
      if (isFirst) this.end();
      this.lookLater();
    });
  };

  private lookLater(): void {
    clearTimeout(this.timer);
    const usual = document.visibilityState === "visible" ? SEEN : HIDDEN;
    // Many pages lose one server at the same moment: chance keeps them from coming back at the same moment.
    const wait = this.failures === 0 ? usual : Math.min(LONGEST_WAIT, usual * 2 ** this.failures) * (0.75 + Math.random() / 2);
    if (!this.isClosed) this.timer = setTimeout(this.look, wait);
  }

  private take(answer: Answer, at: string, kind: Kind): void {
    if (this.isClosed) {
      // Nothing is shown any more, but changes that wait still go, each on top of the one before.
      if (answer.kind === "sheet") this.newest = answer.sheet.revision;
      return;
    }
    const isRefusedNews = kind === "news" && answer.kind === "refused"; // there is no such design, or no such level in it
    if (answer.kind === "failed" || isRefusedNews) {
      if (answer.kind === "failed") return this.takeFailure(answer.status, at, kind);
      return this.takeFailure(404, at, kind, answer.refusal.problems?.[0]);
    }
    this.failures = 0;
    if (this.snapshot.notice?.isOutage && kind === "news") this.update({ notice: null });
    if (answer.kind === "refused") {
      this.update({ notice: refusedNotice(answer.refusal.problems ?? []) });
      this.look();
    } else if (answer.kind === "sheet") this.takeSheet(answer.sheet, at, kind === "change");
  }

  private takeSheet(sheet: Sheet, at: string, isOwn: boolean): void {
    const isNew = sheet.revision !== this.newest;
    this.newest = sheet.revision;
    if (sheet.at !== at && at === this.snapshot.at) this.update({ at: sheet.at, level: null }); // that level is gone
    const level = sheet.at === this.snapshot.at ? applySheet(this.snapshot.level, sheet) : STALE;
    if (level === STALE) {
      this.isStale = sheet.at === this.snapshot.at;
      this.look();
    } else {
      if (sheet.base === null) this.isStale = false;
      this.update({ level });
    }
    if (!isOwn) return;
    this.lookLater(); // all that is new has just come
    if (isNew) this.told(sheet.revision);
  }

  /** `problem`: what the server says of it, such as a design that another version has written. */
  private takeFailure(status: number | null, at: string, kind: Kind, problem?: Problem): void {
    if (status === 404 && kind === "news" && at !== "") {
      if (at === this.snapshot.at) this.go(at.split(".").slice(0, -1).join(".")); // the block is gone, perhaps not what it stood in
      return;
    }
    this.failures = Math.min(8, this.failures + 1);
    if (kind !== "news" || !this.snapshot.notice?.isOutage) {
      this.update({ notice: problem ? { ...refusedNotice([problem]), isOutage: true } : outage(status, kind === "change") });
    }
    if (kind !== "news") this.look();
  }

  private showAhead(): void {
    const gone = [...this.ahead].flatMap((ahead) => ahead.gone ?? []);
    const moved = [...this.ahead].flatMap((ahead) => [...(ahead.moved ?? [])]);
    if (gone.length + this.snapshot.gone.size + moved.length + this.snapshot.moved.size === 0) return;
    this.update({ gone: gone.length ? new Set(gone) : NOBODY, moved: moved.length ? new Map(moved) : NOWHERE });
  }

  private begin(): void {
    this.waiting += 1;
    this.slow ??= setTimeout(() => this.update({ isBusy: true }), NOTICEABLE);
  }

  private end(): void {
    this.waiting -= 1;
    if (this.waiting > 0) return;
    clearTimeout(this.slow);
    this.slow = undefined;
    if (this.snapshot.isBusy) this.update({ isBusy: false });
  }

  private update(changes: Partial<Snapshot>): void {
    if (this.isClosed) return;
    this.snapshot = { ...this.snapshot, ...changes };
    for (const listener of this.listeners) listener();
  }
}

function refusedNotice(problems: Problem[]): Notice {
  const [first] = problems;
  return { title: first?.title ?? "This cannot be done", because: first?.because ?? "", isOutage: false };
}

function outage(status: number | null, isOwn: boolean): Notice {
  const lost = isOwn ? " Your last change was not saved." : "";
  if (status === 401 || status === 403) {
    return { title: "This design is not open to you", because: `The server does not know you any more.${lost} Reload the page.`, isOutage: true };
  }
  if (status === 404) return { title: "This design is not here any more", because: `It may have been deleted.${lost}`, isOutage: true };
  const because = isOwn ? "Your last change was not saved; trying again." : "What you see may be out of date; trying again.";
  return { title: "The server does not answer.", because, isOutage: true };
}
