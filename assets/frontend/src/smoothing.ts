/** The slider that says how many steps the smoothed line remembers. */

import { element } from "./dom";
import { whole } from "./format";

/** Steps remembered at each notch; 1 is no smoothing. */
export const MEMORIES = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000];
const AT_FIRST = MEMORIES.indexOf(20);

let sliders = 0;

/** A memory of so many steps, as people say it. */
export function smoothingText(memory: number): string {
  return memory === 1 ? "off" : `over ${whole(memory)} steps`;
}

export class SmoothingSlider {
  readonly root = element("div", "layerlab-smoothing");
  private readonly slider = element("input", "", { type: "range", min: "0", max: String(MEMORIES.length - 1), step: "1" });
  private readonly text = element("output");

  constructor(onChange: () => void) {
    const label = element("label");
    label.textContent = "Smoothing";
    label.htmlFor = this.slider.id = this.text.htmlFor.value = `layerlab-smoothing-${++sliders}`;
    this.slider.value = String(AT_FIRST);
    this.slider.addEventListener("input", () => {
      this.say();
      onChange();
    });
    this.root.append(label, this.slider, this.text);
    this.say();
  }

  get memory(): number {
    return MEMORIES[Number(this.slider.value)]!;
  }

  private say(): void {
    this.text.textContent = smoothingText(this.memory);
    this.slider.setAttribute("aria-valuetext", smoothingText(this.memory));
  }
}
