/** What a person does to the network, as requests to the server. */

import { clipText, parseClip, writeClipboard } from "./clip";
import type { Wire } from "./graph";
import { lastOutput, referenceTo } from "./graph";
import type { Answer } from "./requests";
import type { Session } from "./session";
import { viewPath, type Edit, type Place } from "./sheet";

/** Where a new node goes: behind a node, onto a connection, to a place, else behind what is selected. */
export interface Spot {
  after?: string;
  place?: Place;
  edge?: { node: string; port: number };
}

/** The server says which nodes have come of a change: they are selected. */
type Choose = (ids: string[]) => void;

export class Actions {
  /** The last clip, for a browser that lets nobody at its clipboard. */
  private copied: string | null = null;

  constructor(
    private readonly session: Session,
    private readonly choose: Choose,
  ) {}

  /** After which node something is added that goes nowhere else; null in an empty network. */
  before(selected: readonly string[]): string | null {
    const { level } = this.session.current();
    return selected.at(-1) ?? (level ? lastOutput(level) : null);
  }

  add(name: string, selected: readonly string[], { after: wanted, place, edge }: Spot): Promise<void> {
    const after = place || edge ? null : (wanted ?? this.before(selected));
    return this.adding(this.session.change("add", { name, after, place: place ?? null, edge: edge ?? null }));
  }

  duplicate(nodes: string[]): Promise<void> {
    return this.adding(this.session.change("duplicate", { nodes }));
  }

  connect(source: string, output: number, target: string, port: number): void {
    const { level } = this.session.current();
    if (!level) return;
    const reference = referenceTo(level.nodes.find((node) => node.id === source), source, output);
    void this.session.edit([{ edit: "connect", node: target, port, source: reference, block: level.block }]);
  }

  /** Carry out moves along the stack; false where there are none, or where they cannot be. */
  async reorder(moves: Edit[]): Promise<boolean> {
    return moves.length > 0 && (await this.session.edit(moves)).kind === "sheet";
  }

  /** Delete nodes and connections, all in one change. */
  remove(nodes: string[], wires: Wire[]): void {
    const block = this.session.current().level?.block ?? null;
    const gone = new Set(nodes);
    const cut = wires.filter(({ source, target }) => !gone.has(source) && !gone.has(target));
    const edits = [
      ...cut.map(({ target, port }): Edit => ({ edit: "connect", node: target, port, source: null, block })),
      ...nodes.map((node): Edit => ({ edit: "remove", node, block })),
    ];
    if (edits.length > 0) void this.session.edit(edits, { gone: [...nodes, ...cut.map((wire) => wire.id)] });
  }

  /** Let the layout place everything again; false where it does already. */
  tidy(): boolean {
    const { level } = this.session.current();
    if (!level?.nodes.some((node) => node.place)) return false;
    void this.session.edit([{ edit: "unset", path: viewPath(level.block) }]);
    return true;
  }

  undo(): void {
    if (this.session.current().level?.undo) void this.session.change("undo", {});
  }

  redo(): void {
    if (this.session.current().level?.redo) void this.session.change("redo", {});
  }

  async copy(nodes: string[]): Promise<boolean> {
    if (nodes.length === 0) return false;
    const answer = await this.session.change("copy", { nodes });
    if (answer.kind !== "clip") return false;
    const text = clipText(answer.clip);
    this.copied = (await writeClipboard(text)) ? null : text;
    return true;
  }

  /** Paste what the clipboard holds. */
  async paste(text: string, to: { place?: Place | null; after?: string | null }): Promise<void> {
    const clip = parseClip(text) ?? (this.copied === null ? null : parseClip(this.copied));
    if (clip) await this.adding(this.session.change("paste", { clip, ...to }));
    else if (text) this.session.tell("There is nothing to paste.", "The clipboard holds no layers that were copied here.");
  }

  private async adding(change: Promise<Answer>): Promise<void> {
    const answer = await change;
    if (answer.kind === "sheet" && answer.sheet.added) this.choose(answer.sheet.added);
  }
}
