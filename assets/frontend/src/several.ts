/** Several runs on the same plots, those that go on as they go on; without plots, how they are and how far. */

import { AXES, stepsPerUnit, type Axis } from "./axis";
import { Choice } from "./choice";
import { element } from "./dom";
import { LinePanel, type Line, type Panel } from "./lines";
import css from "./live.css?inline";
import { RunLine } from "./runline";
import { SmoothingSlider } from "./smoothing";
import { emptyText, isAlive } from "./status";
import { colorOf, readTheme, themeProbe, type Theme } from "./theme";
import { Watched } from "./watched";
import type { Status } from "./wire";

export interface WatchedRun {
  id: string;
  /** What a person calls it. */
  label: string;
  /** Which colour of the theme is its own; null where it has no curves. */
  color: number | null;
  /** What Python took the run's status to be when it drew the page. */
  status: Status | null;
}

export interface SeveralData {
  runs: WatchedRun[];
  api: string;
  panels: Panel[];
  height: number;
}

type Trigger = (name: string, value: unknown) => void;

interface Member {
  told: WatchedRun;
  toldStatus: Status | null;
  watched: Watched;
  line: RunLine;
  drawnStep: number;
}

/** A chart that has not moved by half a pixel is drawn again after this long: its open buckets have. In milliseconds. */
const REDRAW_AFTER = 5_000;
/** However many runs have news. */
const DRAW_AT_MOST_EVERY = 400;
/** Of the raw values and the bands of so many curves nothing would be seen. */
const MOST_WITH_RAW = 3;

export class Several {
  private readonly root = element("section", "layerlab-live", { "aria-label": "Runs" });
  private readonly list = element("ul", "layerlab-runs");
  private readonly bar = element("div", "layerlab-controls");
  private readonly smoothing = new SmoothingSlider(() => this.requestDraw());
  private readonly axis = new Choice<Axis>("Over", AXES, () => this.requestDraw());
  private readonly plots = element("div", "layerlab-plots");
  private readonly resizing = new ResizeObserver(() => this.resized());
  private readonly sight = new IntersectionObserver((entries) => this.sighted(entries));

  private members: Member[] = [];
  private lines: LinePanel[] = [];
  private isInSight = true;
  private isAsked = false;
  private drawnAt = -Infinity;
  private width = 0;

  constructor(
    parent: HTMLElement,
    private data: SeveralData,
    private setTriggerValue: Trigger,
  ) {
    const style = element("style");
    style.textContent = css;
    const key = element("span", "layerlab-key");
    key.append(sample("validation", "solid"), sample("training", "dashed"));
    this.bar.append(this.smoothing.root, this.axis.root, key);
    this.root.append(style, this.list, this.bar, this.plots, themeProbe(() => this.themeChanged()));
    parent.append(this.root);
    this.arrange();
    this.resizing.observe(this.plots);
    this.sight.observe(this.root);
  }

  /** Take what a script run says; a run that was there before keeps all that is known of it. */
  update(data: SeveralData, setTriggerValue: Trigger): void {
    const before = JSON.stringify(this.data);
    this.data = data;
    this.setTriggerValue = setTriggerValue;
    if (JSON.stringify(data) !== before) this.arrange();
  }

  close(): void {
    for (const { watched } of this.members) watched.close();
    this.resizing.disconnect();
    this.sight.disconnect();
    for (const { frame } of this.lines) frame.close();
    this.root.remove();
  }

  private arrange(): void {
    const { runs, panels } = this.data;
    const before = new Map(this.members.map((member) => [member.told.id, member]));
    this.members = runs.map((run) => this.member(run, before.get(run.id)));
    for (const { told, watched, line } of before.values()) {
      if (runs.some((run) => run.id === told.id)) continue;
      watched.close();
      line.root.remove();
    }
    this.list.replaceChildren(...this.members.map(({ line }) => line.root));
    for (const { frame } of this.lines.splice(panels.length)) {
      frame.close();
      frame.root.remove();
    }
    panels.forEach((panel, index) => {
      if (this.lines[index]) return this.lines[index].update(panel);
      const line = new LinePanel(panel, () => this.requestDraw());
      this.plots.append(line.frame.root);
      this.lines.push(line);
    });
    this.bar.hidden = this.plots.hidden = panels.length === 0;
    this.themeChanged();
  }

  private member(run: WatchedRun, known: Member | undefined): Member {
    if (known) {
      known.watched.noteStatus(run.status);
      return Object.assign(known, { told: run, toldStatus: run.status });
    }
    const source = { run: run.id, api: this.data.api };
    const watched = new Watched(source, () => this.heard(run.id));
    return { told: run, toldStatus: run.status, watched, line: new RunLine(() => this.requestDraw()), drawnStep: -1 };
  }

  private heard(id: string): void {
    const member = this.members.find(({ told }) => told.id === id);
    if (!member) return;
    this.showLine(member);
    this.tellStatus(member);
    if (this.hasMoved(member)) this.requestDraw();
  }

  private showLine({ watched, line }: Member): void {
    const remark = watched.isGone ? "not available" : watched.isSilent ? "No answer from the server. Trying again." : "";
    line.show(watched.meta, remark);
  }

  /** A new status makes Python run its script again, so that list and buttons fit; nothing else does. */
  private tellStatus(member: Member): void {
    const status = member.watched.meta?.status;
    if (!status) return;
    if (member.toldStatus !== null && member.toldStatus !== status) {
      this.setTriggerValue("status", `${member.told.id} ${status}`);
    }
    member.toldStatus = status;
  }

  /** Whether a drawing would differ by half a pixel from the last one. */
  private hasMoved({ watched, drawnStep }: Member): boolean {
    if (this.lines.length === 0) return false;
    const last = watched.history.lastStep;
    const longest = Math.max(...this.members.map((member) => member.watched.history.lastStep));
    const halfPixel = longest / Math.max(200, this.plots.clientWidth / this.lines.length) / 2;
    const isLate = performance.now() - this.drawnAt > REDRAW_AFTER;
    const isOver = !watched.meta || !isAlive(watched.meta.status);
    return isOver || isLate || drawnStep < 0 || Math.abs(last - drawnStep) > halfPixel;
  }

  private requestDraw(): void {
    if (this.isAsked) return;
    this.isAsked = true;
    const wait = Math.max(0, this.drawnAt + DRAW_AT_MOST_EVERY - performance.now());
    window.setTimeout(() => requestAnimationFrame(() => this.draw()), wait);
  }

  private draw(): void {
    this.isAsked = false;
    if (!this.isInSight || this.plots.clientWidth === 0) return; // all is drawn when it can be seen again
    const theme = readTheme(this.root);
    const { height } = this.data;
    const key = this.members.map(({ told }) => told.id).join(" ") + this.axis.value;
    const raw = this.members.filter(({ line }) => line.isShown).length <= MOST_WITH_RAW;
    for (const panel of this.lines) {
      const lines = this.members.flatMap((member) => this.linesOf(member, panel.panel, theme));
      const drawing = { key, theme, memory: this.smoothing.memory, height, axis: this.axis.value, bands: false, legend: false, raw };
      const isDrawn = panel.draw(lines, drawing);
      panel.frame.showEmpty(isDrawn ? "" : this.nothing(), height);
    }
    for (const member of this.members) member.drawnStep = member.watched.history.lastStep;
    this.drawnAt = performance.now();
  }

  private linesOf({ told, watched, line }: Member, panel: Panel, theme: Theme): Line[] {
    const unit = watched.meta && stepsPerUnit(this.axis.value, watched.meta);
    if (!line.isShown || told.color === null || unit === undefined) return [];
    const color = colorOf(theme, told.color);
    return panel.series.flatMap(({ name, label, quiet }) => {
      const series = watched.history.series(name);
      return series ? [{ label: `${told.label}, ${label}`, series, color, isQuiet: quiet ?? false, stepsPerUnit: unit }] : [];
    });
  }

  /** Words in place of curves. */
  private nothing(): string {
    const shown = this.members.filter(({ line }) => line.isShown);
    if (shown.length === 0) return "All runs are hidden";
    const waiting = shown.find(({ watched }) => !watched.isGone && (!watched.meta || isAlive(watched.meta.status)));
    if (waiting) return emptyText(waiting.watched.meta);
    return shown.every(({ watched }) => watched.isGone) ? "These runs are not available" : "Nothing was recorded";
  }

  private themeChanged(): void {
    const theme = readTheme(this.root);
    for (const member of this.members) {
      const { label, color } = member.told;
      member.line.label(label, color === null ? undefined : colorOf(theme, color));
      this.showLine(member);
    }
    this.requestDraw();
  }

  private resized(): void {
    const width = this.plots.clientWidth;
    if (width === 0 || width === this.width) return;
    this.width = width;
    for (const { frame } of this.lines) frame.resize();
    this.requestDraw();
  }

  private sighted(entries: IntersectionObserverEntry[]): void {
    this.isInSight = entries.at(-1)!.isIntersecting;
    if (this.isInSight) this.requestDraw();
  }
}

/** A short line as it is drawn, and what it means. */
function sample(text: string, style: "solid" | "dashed"): HTMLElement {
  const shown = element("span", `layerlab-sample layerlab-${style}`);
  shown.textContent = text;
  return shown;
}
