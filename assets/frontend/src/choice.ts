/** A few buttons of which one is pressed. */

import { element } from "./dom";

export class Choice<Option extends string> {
  readonly root = element("div", "layerlab-choice", { role: "group" });
  value: Option;
  private readonly buttons = new Map<Option, HTMLButtonElement>();

  constructor(label: string, options: readonly Option[], chosen: () => void) {
    this.value = options[0]!;
    this.root.setAttribute("aria-label", label);
    const word = element("span");
    word.textContent = label;
    this.root.append(word);
    for (const option of options) {
      const button = element("button", "layerlab-button", { type: "button" });
      button.textContent = option;
      button.addEventListener("click", () => {
        this.value = option;
        this.say();
        chosen();
      });
      this.buttons.set(option, button);
      this.root.append(button);
    }
    this.say();
  }

  private say(): void {
    for (const [option, button] of this.buttons) button.setAttribute("aria-pressed", String(option === this.value));
  }
}
