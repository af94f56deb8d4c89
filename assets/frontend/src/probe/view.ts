/** A probe: pulled until it is over, its progress meanwhile, and then what it has seen. Python hears when it is over. */

import type { Layout } from "plotly.js-cartesian-dist-min";
import { element, setText } from "../dom";
import { PlotFrame, baseAxis, baseLayout } from "../frame";
import { leaving } from "../leaving";
import css from "../live.css?inline";
import { Repeater } from "../repeat";
import { readTheme, themeProbe, type Theme } from "../theme";
import * as rates from "./rates";
import * as spread from "./spread";
import { isOver, waitAfter, words, type Told } from "./told";

export interface ProbeData {
  probe: string;
  /** Where the routes are, relative to the page. */
  api: string;
  /** Of one plot, in pixels. */
  height: number;
  /** What Python took the probe's status to be when it drew the page. */
  status: string;
  /** What is not the probe's to know: the learning rate in use. */
  current: number | null;
}

interface Component {
  data: ProbeData;
  parentElement: HTMLElement;
  setTriggerValue: (name: string, value: unknown) => void;
}

/** One plot: how it is called, and how it is drawn into its frame. */
interface Drawing {
  title: string;
  draw(frame: PlotFrame, seen: unknown, data: ProbeData, theme: Theme): void;
}

function drawn(frame: PlotFrame, traces: Parameters<PlotFrame["draw"]>[0], axes: Layout, data: ProbeData, theme: Theme): void {
  const axis = (given: unknown) => {
    const { title, ...rest } = given as { title: string };
    return { ...baseAxis(theme, title), ...rest };
  };
  frame.draw(traces, {
    ...baseLayout(theme, data.probe, data.height),
    hovermode: "closest",
    xaxis: axis(axes["xaxis"]),
    yaxis: axis(axes["yaxis"]),
  });
}

const DRAWINGS: Record<string, Drawing[]> = {
  rates: [
    {
      title: "Loss over the learning rate",
      draw(frame, result, data, theme) {
        const seen = result as rates.Rates;
        const current = data.current ?? seen.rates[0] ?? 1;
        const lines = [...rates.traces(seen, theme), ...rates.markTraces(seen, current, theme)];
        drawn(frame, lines, rates.axes(seen, current), data, theme);
        frame.describe(rates.description(seen, current));
      },
    },
  ],
  spread: (["activation", "gradient"] as const).map((measure) => ({
    title: spread.TITLES[measure],
    draw(frame, result, data, theme) {
      const seen = result as spread.Spread;
      drawn(frame, spread.traces(seen, measure, theme), spread.axes(seen, measure), data, theme);
      frame.describe(spread.description(seen, measure));
    },
  })),
};

function sampled({ name, color, border }: spread.Sample): HTMLElement {
  const item = element("li");
  const line = element("span", "layerlab-stroke", { "aria-hidden": "true" });
  line.style.borderTop = `3px ${border} ${color}`;
  const word = element("span");
  word.textContent = name;
  item.append(line, word);
  return item;
}

class ProbeView {
  private readonly root = element("section", "layerlab-live", { "aria-label": "Test" });
  private readonly header = element("div", "layerlab-status");
  private readonly word = element("span", "layerlab-word", { role: "status" });
  private readonly progress = element("div", "layerlab-progress", {
    role: "progressbar",
    "aria-label": "Progress of the test",
    "aria-valuemin": "0",
    "aria-valuemax": "100",
  });
  private readonly bar = element("div", "layerlab-bar");
  private readonly problem = element("div", "layerlab-problem", { role: "alert" });
  private readonly plots = element("div", "layerlab-plots");
  private readonly legend = element("ul", "layerlab-legend", { "aria-label": "Lines" });
  private readonly repeater = new Repeater((signal) => this.pull(signal), (failures) => this.remark(failures));
  private readonly resizing = new ResizeObserver(() => this.resized());
  private frames: PlotFrame[] = [];
  private told: Told | undefined;
  private pulls = 0;
  private width = 0;

  constructor(
    host: HTMLElement,
    private data: ProbeData,
    private setTriggerValue: Component["setTriggerValue"],
  ) {
    const style = element("style");
    style.textContent = css;
    this.progress.append(this.bar);
    const line = element("div", "layerlab-line");
    line.append(this.word);
    this.header.append(line, this.progress);
    this.root.append(style, this.header, this.problem, this.legend, this.plots, themeProbe(() => this.draw()));
    host.append(this.root);
    this.resizing.observe(this.plots);
    this.begin();
  }

  update(data: ProbeData, setTriggerValue: Component["setTriggerValue"]): void {
    const before = this.data;
    this.data = data;
    this.setTriggerValue = setTriggerValue;
    if (before.probe !== data.probe || before.api !== data.api) this.begin();
    else if (JSON.stringify(before) !== JSON.stringify(data)) this.draw();
  }

  close(): void {
    this.repeater.stop();
    this.resizing.disconnect();
    this.forget();
    this.root.remove();
  }

  private begin(): void {
    this.forget();
    this.told = undefined;
    this.pulls = 0;
    this.legend.hidden = true;
    this.show();
    this.repeater.start();
  }

  private forget(): void {
    for (const frame of this.frames.splice(0)) {
      frame.close();
      frame.root.remove();
    }
  }

  private async pull(signal: AbortSignal): Promise<number | null> {
    const url = new URL(`${this.data.api}/probes/${this.data.probe}`, document.baseURI);
    const response = await fetch(url, { signal, cache: "no-store" });
    if (response.status === 404 || response.status === 401) {
      this.gone();
      return null;
    }
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    this.told = (await response.json()) as Told;
    signal.throwIfAborted(); // another probe may be on show by now
    this.show();
    this.draw();
    if (isOver(this.told) && this.data.status !== this.told.status) this.setTriggerValue("status", this.told.status);
    return waitAfter(this.told, this.pulls++);
  }

  private gone(): void {
    this.header.hidden = false;
    this.header.dataset["status"] = "failed";
    setText(this.word, "This test is not kept any more. Press its button again.");
    this.progress.hidden = true;
  }

  private remark(failures: number): void {
    if (failures > 0) setText(this.word, "No answer from the server. Trying again.");
  }

  private show(): void {
    const { status, progress = 0, problem = null } = this.told ?? {};
    this.header.dataset["status"] = status === "failed" ? "failed" : status === "running" ? "running" : "";
    setText(this.word, words(this.told));
    this.header.hidden = status === "done";
    this.progress.hidden = status === "failed";
    this.bar.style.width = `${100 * progress}%`;
    this.progress.setAttribute("aria-valuenow", (100 * progress).toFixed(0));
    const title = element("strong");
    const because = element("p");
    title.textContent = problem?.title ?? "";
    because.textContent = problem?.because ?? "";
    this.problem.replaceChildren(...(problem ? [title, because] : []));
    this.problem.hidden = problem === null;
  }

  private draw(): void {
    if (this.told?.status !== "done" || this.plots.clientWidth === 0) return;
    const theme = readTheme(this.root);
    const samples = this.told.kind === "spread" ? spread.legend(this.told.result as spread.Spread, theme) : [];
    this.legend.replaceChildren(...samples.map(sampled));
    this.legend.hidden = samples.length === 0;
    const drawings = DRAWINGS[this.told.kind] ?? [];
    if (this.frames.length === 0) {
      this.frames = drawings.map(({ title }) => {
        const frame = new PlotFrame(() => undefined);
        frame.setTitle(title);
        frame.showEmpty("", this.data.height);
        this.plots.append(frame.root);
        return frame;
      });
    }
    drawings.forEach(({ draw }, index) => draw(this.frames[index]!, this.told!.result, this.data, theme));
  }

  private resized(): void {
    const width = this.plots.clientWidth;
    if (width === 0 || width === this.width) return;
    this.width = width;
    if (this.frames.length === 0) this.draw();
    for (const frame of this.frames) frame.resize();
  }
}

const mounted = new WeakMap<HTMLElement, ProbeView>();

/** Called by Streamlit at every script run; what it returns is called when the component leaves the page. */
export default function probe({ data, parentElement, setTriggerValue }: Component): () => void {
  const known = mounted.get(parentElement);
  if (known) known.update(data, setTriggerValue);
  else mounted.set(parentElement, new ProbeView(parentElement, data, setTriggerValue));
  return leaving(parentElement, () => {
    mounted.get(parentElement)?.close();
    mounted.delete(parentElement);
  });
}
