/** One run of several, in a line: its colour and name, how it is and how far. Pressing the name hides its curves. */

import { element, setText } from "./dom";
import { duration, whole } from "./format";
import { STATUS_WORDS, isAlive } from "./status";
import type { RunMeta } from "./wire";

/** What is new from second to second, for a line that is read at a glance. */
export function briefFacts(meta: RunMeta): string {
  const known: string[] = [];
  if (meta.place !== null) known.push(`place ${meta.place} in the queue`);
  if (meta.total_steps > 0) known.push(`step ${whole(meta.step)} of ${whole(meta.total_steps)}`);
  if (meta.epochs > 0) known.push(`epoch ${whole(meta.epoch)} of ${whole(meta.epochs)}`);
  if (meta.remaining_seconds !== null) known.push(`${duration(meta.remaining_seconds)} left`);
  else if (!isAlive(meta.status) && meta.seconds > 0) known.push(`trained for ${duration(meta.seconds)}`);
  return known.join(" · ");
}

export class RunLine {
  readonly root = element("li", "layerlab-run");
  isShown = true;
  private readonly button = element("button", "layerlab-run-name", { type: "button" });
  private readonly swatch = element("span", "layerlab-swatch", { "aria-hidden": "true" });
  private readonly name = element("span");
  private readonly word = element("span", "layerlab-run-word");
  private readonly facts = element("span", "layerlab-run-facts");
  private readonly progress = element("span", "layerlab-run-progress", { role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" });
  private readonly bar = element("span", "layerlab-bar");

  /** `toggled` is called when the curves are to be shown or hidden. */
  constructor(toggled: () => void) {
    this.button.append(this.swatch, this.name);
    this.button.addEventListener("click", () => {
      this.isShown = !this.isShown;
      this.say();
      toggled();
    });
    this.progress.append(this.bar);
    this.root.append(this.button, this.word, this.progress, this.facts);
    this.say();
  }

  /** A line without a colour has no curves to hide. */
  label(name: string, color: string | undefined): void {
    setText(this.name, name);
    this.progress.setAttribute("aria-label", `Training progress of ${name}`);
    this.swatch.hidden = color === undefined;
    this.button.disabled = color === undefined;
    if (color) this.swatch.style.background = color;
  }

  show(meta: RunMeta | undefined, remark: string): void {
    setText(this.word, meta ? STATUS_WORDS[meta.status] : "");
    this.root.dataset["status"] = meta?.status ?? "";
    setText(this.facts, remark || (meta ? briefFacts(meta) : ""));
    const percent = meta && meta.total_steps > 0 ? Math.min(100, (100 * meta.step) / meta.total_steps) : 0;
    this.bar.style.width = `${percent}%`;
    this.progress.setAttribute("aria-valuenow", percent.toFixed(0));
    this.progress.hidden = !meta || !isAlive(meta.status) || meta.total_steps === 0;
    this.root.title = meta?.problem ? `${meta.problem.title}. ${meta.problem.because}` : "";
  }

  private say(): void {
    this.button.setAttribute("aria-pressed", String(this.isShown));
    this.button.title = this.isShown ? "Hide its curves" : "Show its curves";
  }
}
