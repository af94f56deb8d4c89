/** A run as it trains, or several: pulls what is new, draws it, and tells Python only when a run's status changes, or the advice on it. */

import { BoundaryPanel } from "./boundary";
import { element } from "./dom";
import { History } from "./history";
import { leaving } from "./leaving";
import { LinePanel, type Line, type Panel } from "./lines";
import css from "./live.css?inline";
import { ask, pullSeries, waitAfter } from "./pull";
import { Repeater } from "./repeat";
import { Several, type SeveralData } from "./several";
import { SmoothingSlider } from "./smoothing";
import { StatusHeader, emptyText, isAlive } from "./status";
import { colorOf, readTheme, themeProbe, type Theme } from "./theme";
import { decodeView, type BoundaryMeta, type PointsMeta, type RunMeta, type Status } from "./wire";

export { default as probe } from "./probe/view";

interface LiveData {
  run: string;
  /** Where the routes are, relative to the page. */
  api: string;
  panels: Panel[];
  boundary: boolean;
  /** Of one plot, in pixels. */
  height: number;
  /** What Python took the run's status to be when it drew the page. */
  status: Status | null;
  /** The step of the advice that the page shows. */
  advised: number | null;
}

interface Component {
  data: LiveData | SeveralData;
  parentElement: HTMLElement;
  setTriggerValue: (name: string, value: unknown) => void;
}

/** A chart that has not moved by half a pixel is drawn again after this long: its open buckets have. */
const REDRAW_AFTER = 5_000;

/** What is drawn on its own: the lines seldom move by half a pixel when there is a new boundary. */
type Part = "lines" | "boundary";

class LiveRun {
  private readonly root = element("section", "layerlab-live", { "aria-label": "Training run" });
  private readonly header = new StatusHeader();
  private readonly smoothing = new SmoothingSlider(() => this.requestDraw("lines"));
  private readonly plots = element("div", "layerlab-plots");
  private readonly repeater = new Repeater((signal) => this.pull(signal), (failures) => this.showFailures(failures));
  private readonly resizing = new ResizeObserver(() => this.resized());
  private readonly sight = new IntersectionObserver((entries) => this.sighted(entries));

  private lines: LinePanel[] = [];
  private boundary: BoundaryPanel | undefined;
  private history = new History();
  private meta: RunMeta | undefined;
  private toldStatus: Status | null = null;
  private toldAdvice: number | null = null;
  private pulls = 0;
  private isGone = false;
  private isInSight = true;
  private readonly stale = new Set<Part>();
  private drawnStep = -1;
  private drawnAt = 0;
  private width = 0;

  constructor(
    parent: HTMLElement,
    private data: LiveData,
    private setTriggerValue: Component["setTriggerValue"],
  ) {
    const style = element("style");
    style.textContent = css;
    const bar = element("div", "layerlab-controls");
    bar.append(this.smoothing.root);
    this.root.append(style, this.header.root, bar, this.plots, themeProbe(() => this.requestDrawAll()));
    parent.append(this.root);
    this.begin();
    this.resizing.observe(this.plots);
    this.sight.observe(this.root);
  }

  /** Take what a script run says; the same as before changes nothing. */
  update(data: LiveData, setTriggerValue: Component["setTriggerValue"]): void {
    const before = this.data;
    this.data = data;
    this.setTriggerValue = setTriggerValue;
    if (before.run !== data.run || before.api !== data.api) this.begin();
    else if (this.hasBeenResumed(before)) this.goOn();
    else if (JSON.stringify(before) !== JSON.stringify(data)) this.arrange();
  }

  close(): void {
    this.repeater.stop();
    this.resizing.disconnect();
    this.sight.disconnect();
    for (const frame of this.frames()) frame.close();
    this.root.remove();
  }

  /** Watch a run from its beginning. */
  private begin(): void {
    this.history = new History();
    this.meta = undefined;
    this.isGone = false;
    this.toldStatus = this.data.status;
    this.toldAdvice = this.data.advised;
    this.drawnStep = -1; // the next rows are drawn whatever they are
    this.pulls = 0;
    this.forgetPictures();
    this.arrange();
    this.repeater.start();
  }

  /** Whether the run had ended for us, and now goes on: what it has recorded by then stays, but for what it takes back. */
  private hasBeenResumed(before: LiveData): boolean {
    const { status } = this.data;
    const wasOver = this.meta !== undefined && !isAlive(this.meta.status);
    return wasOver && status !== before.status && status !== null && isAlive(status);
  }

  private goOn(): void {
    this.toldStatus = this.data.status;
    this.toldAdvice = this.data.advised;
    this.arrange();
    this.repeater.start();
  }

  /** Make the plots what Python wants; one that is there already stays, with its zoom. */
  private arrange(): void {
    const { panels } = this.data;
    for (const spare of this.lines.splice(panels.length)) this.remove(spare.frame);
    panels.forEach((panel, index) => {
      if (this.lines[index]) return this.lines[index].update(panel);
      const line = new LinePanel(panel, () => this.requestDraw("lines"));
      this.plots.insertBefore(line.frame.root, this.boundary?.frame.root ?? null);
      this.lines.push(line);
    });
    if (this.boundary && !this.data.boundary) {
      this.remove(this.boundary.frame);
      this.boundary = undefined;
    } else if (!this.boundary && this.data.boundary) {
      this.boundary = new BoundaryPanel(() => this.requestDraw("boundary"));
      this.plots.append(this.boundary.frame.root);
    }
    this.requestDrawAll();
  }

  private remove(frame: LinePanel["frame"]): void {
    frame.close();
    frame.root.remove();
  }

  private frames(): LinePanel["frame"][] {
    return [...this.lines, ...(this.boundary ? [this.boundary] : [])].map((panel) => panel.frame);
  }

  /** Ask once for what is new; how long to wait until the next time, or null when nothing will ever be new. */
  private async pull(signal: AbortSignal): Promise<number | null> {
    const meta = await pullSeries(this.data, this.history, signal);
    if (!meta) {
      this.isGone = true;
      this.header.hide();
      this.requestDrawAll();
      return null;
    }
    const isNewStatus = this.meta?.status !== meta.status;
    this.meta = meta;
    this.header.show(meta);
    this.tell(meta);
    if (this.hasMoved(meta)) this.requestDraw("lines");
    if (isNewStatus) this.requestDrawAll(); // the words where there is no plot yet
    if (meta.reset) this.forgetPictures();
    // A field is far larger than a few rows, and the eye follows it less closely: every second time is enough.
    const isTurn = this.pulls++ % 2 === 0 || !isAlive(meta.status);
    if (this.boundary && isTurn) await this.pullPictures(this.boundary, signal);
    return waitAfter(meta);
  }

  private async pullPictures(panel: BoundaryPanel, signal: AbortSignal): Promise<void> {
    const after = panel.boundary?.meta.step ?? -1;
    const boundary = await ask(this.data, `views/boundary?after=${after}`, signal);
    if (boundary?.byteLength) {
      panel.boundary = decodeView<BoundaryMeta>(boundary);
      this.requestDraw("boundary");
    }
    if (panel.points || !panel.boundary) return;
    const points = await ask(this.data, "views/points?after=-1", signal);
    if (points?.byteLength) {
      panel.points = decodeView<PointsMeta>(points);
      this.requestDraw("boundary");
    }
  }

  private forgetPictures(): void {
    if (this.boundary) this.boundary.boundary = this.boundary.points = undefined;
  }

  private showFailures(failures: number): void {
    if (failures > 0) this.header.remark("No answer from the server. Trying again.");
    else if (this.meta) this.header.remark("");
  }

  /** A new status, or new advice, makes Python run its script again, so that its buttons fit; nothing else does. */
  private tell({ status, advised }: RunMeta): void {
    const isNew = this.toldStatus !== null && (this.toldStatus !== status || this.toldAdvice !== advised);
    if (isNew) this.setTriggerValue("status", status);
    this.toldStatus = status;
    this.toldAdvice = advised;
  }

  /** Whether a drawing would differ by half a pixel from the last one. */
  private hasMoved(meta: RunMeta): boolean {
    const last = this.history.lastStep;
    const halfPixel = last / Math.max(200, this.plots.clientWidth / Math.max(1, this.lines.length)) / 2;
    const isLate = performance.now() - this.drawnAt > REDRAW_AFTER;
    return this.drawnStep < 0 || meta.reset || !isAlive(meta.status) || isLate || last - this.drawnStep > halfPixel;
  }

  private requestDraw(...parts: Part[]): void {
    if (this.stale.size === 0) requestAnimationFrame(() => this.draw());
    for (const part of parts) this.stale.add(part);
  }

  private requestDrawAll(): void {
    this.requestDraw("lines", "boundary");
  }

  private draw(): void {
    const stale = new Set(this.stale);
    this.stale.clear();
    if (!this.isInSight || this.plots.clientWidth === 0) return; // all is drawn when it can be seen again
    const { run, height } = this.data;
    const theme = readTheme(this.root);
    const nothing = this.isGone ? "This run is not available" : emptyText(this.meta);
    if (stale.has("lines")) {
      for (const line of this.lines) {
        const drawing = { key: run, theme, memory: this.smoothing.memory, height, axis: "step" as const, bands: true, legend: true, raw: true };
        const isDrawn = line.draw(this.linesOf(line.panel, theme), drawing);
        line.frame.showEmpty(isDrawn ? "" : nothing, height);
      }
      this.drawnStep = this.history.lastStep;
      this.drawnAt = performance.now();
    }
    if (stale.has("boundary") && this.boundary) {
      const isDrawn = this.boundary.draw(run, theme, height);
      this.boundary.frame.showEmpty(isDrawn ? "" : nothing, height);
    }
  }

  private linesOf(panel: Panel, theme: Theme): Line[] {
    return panel.series.flatMap(({ name, label }, index) => {
      const series = this.history.series(name);
      return series ? [{ label, series, color: colorOf(theme, index), isQuiet: false, stepsPerUnit: 1 }] : [];
    });
  }

  private resized(): void {
    const width = this.plots.clientWidth;
    if (width === 0 || width === this.width) return;
    this.width = width;
    for (const frame of this.frames()) frame.resize();
    this.requestDrawAll();
  }

  private sighted(entries: IntersectionObserverEntry[]): void {
    this.isInSight = entries.at(-1)!.isIntersecting;
    if (this.isInSight) this.requestDrawAll();
  }
}

const mounted = new WeakMap<HTMLElement, LiveRun | Several>();

/** Called by Streamlit at every script run; what it returns is called when the component leaves the page. */
export default function live({ data, parentElement, setTriggerValue }: Component): () => void {
  const known = mounted.get(parentElement);
  if ("runs" in data) {
    if (known instanceof Several) known.update(data, setTriggerValue);
    else mounted.set(parentElement, new Several(parentElement, data, setTriggerValue));
  } else if (known instanceof LiveRun) known.update(data, setTriggerValue);
  else mounted.set(parentElement, new LiveRun(parentElement, data, setTriggerValue));
  return leaving(parentElement, () => {
    mounted.get(parentElement)?.close();
    mounted.delete(parentElement);
  });
}
