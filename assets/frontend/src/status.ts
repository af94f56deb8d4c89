/** The header of a live run: how it is, how far it is, how fast, and what went wrong. */

import { element, setText } from "./dom";
import { duration, memory, short, value, whole } from "./format";
import type { RunMeta, Status } from "./wire";

export const STATUS_WORDS: Record<Status, string> = {
  queued: "Queued",
  starting: "Starting",
  running: "Running",
  paused: "Paused",
  finished: "Finished",
  stopped: "Stopped",
  failed: "Failed",
  interrupted: "Interrupted",
};

/** The server changes nothing about a run with one of the other statuses. */
const ALIVE: readonly Status[] = ["queued", "starting", "running", "paused"];

export function isAlive(status: Status): boolean {
  return ALIVE.includes(status);
}

/** What stands where a plot will be, as long as there is nothing to plot. */
export function emptyText(meta: RunMeta | undefined): string {
  if (!meta) return "Loading";
  if (meta.status === "queued") {
    const place = meta.place === null ? "Waiting in the queue" : `Queued: place ${meta.place}`;
    if (meta.starts_in === null) return place;
    return meta.starts_in < 1 ? "Starts as soon as a process is ready" : `${place}, starts in about ${duration(meta.starts_in)}`;
  }
  if (meta.status === "starting") return "Starting";
  return isAlive(meta.status) ? "Waiting for the first step" : "Nothing was recorded";
}

/** Short facts, each with its unit, those alone that are known. */
export function facts(meta: RunMeta): string[] {
  const known: string[] = [];
  if (meta.total_steps > 0) known.push(`step ${whole(meta.step)} of ${whole(meta.total_steps)}`);
  if (meta.epochs > 0) known.push(`epoch ${whole(meta.epoch)} of ${whole(meta.epochs)}`);
  if (meta.remaining_seconds !== null) known.push(`${duration(meta.remaining_seconds)} left`);
  else if (meta.seconds > 0) known.push(`trained for ${duration(meta.seconds)}`);
  if (meta.seconds > 0 && meta.step > 0) known.push(`${short(meta.step / meta.seconds)} steps/s`);
  if (meta.samples_per_second > 0) known.push(`${short(meta.samples_per_second)} samples/s`);
  if (meta.rate !== null && isAlive(meta.status)) known.push(`learning rate ${value(meta.rate)}`);
  if (meta.memory !== null && meta.memory > 0) known.push(`${memory(meta.memory)} at most`);
  if (meta.device) known.push(meta.device);
  return known;
}

export class StatusHeader {
  readonly root = element("div", "layerlab-status");
  private readonly word = element("span", "layerlab-word", { role: "status" });
  private readonly facts = element("span", "layerlab-facts");
  private readonly note = element("span", "layerlab-note");
  private readonly progress = element("div", "layerlab-progress", {
    role: "progressbar",
    "aria-label": "Training progress",
    "aria-valuemin": "0",
    "aria-valuemax": "100",
  });
  private readonly bar = element("div", "layerlab-bar");
  private readonly problem = element("div", "layerlab-problem", { role: "alert" });
  private readonly problemTitle = element("strong");
  private readonly problemBecause = element("p");

  constructor() {
    const line = element("div", "layerlab-line");
    line.append(this.word, this.facts, this.note);
    this.progress.append(this.bar);
    this.problem.append(this.problemTitle, this.problemBecause);
    this.problem.hidden = true;
    this.root.append(line, this.progress, this.problem);
    setText(this.word, "");
    setText(this.note, "");
  }

  hide(): void {
    this.root.hidden = true;
  }

  show(meta: RunMeta): void {
    this.root.hidden = false;
    setText(this.word, STATUS_WORDS[meta.status]);
    this.root.dataset["status"] = meta.status;
    this.facts.replaceChildren(
      ...facts(meta).map((fact) => {
        const item = element("span");
        item.textContent = fact;
        return item;
      }),
    );
    const percent = meta.total_steps > 0 ? Math.min(100, (100 * meta.step) / meta.total_steps) : 0;
    this.bar.style.width = `${percent}%`;
    this.progress.setAttribute("aria-valuenow", percent.toFixed(0));
    setText(this.problemTitle, meta.problem?.title ?? "");
    setText(this.problemBecause, meta.problem?.because ?? "");
    this.problem.hidden = meta.problem === null;
  }

  /** A remark beside the facts, such as that the server does not answer. */
  remark(text: string): void {
    setText(this.note, text);
  }
}
