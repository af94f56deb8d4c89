/** React as a Streamlit component of its own: one root, drawn again at every script run. */

import type { ReactNode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { element } from "../dom";
import { leaving } from "../leaving";

export interface Component<Data> {
  data: Data;
  parentElement: HTMLElement | ShadowRoot;
  setTriggerValue: (name: string, value: unknown) => void;
}

/** What Streamlit calls at every script run; what that returns is called when the component leaves the page. */
export function mounted<Data>(css: string, draw: (component: Component<Data>) => ReactNode): (component: Component<Data>) => () => void {
  const roots = new WeakMap<Component<Data>["parentElement"], Root>();
  return (component) => {
    const parent = component.parentElement;
    let root = roots.get(parent);
    if (!root) {
      const style = element("style");
      style.textContent = css;
      const place = element("div");
      parent.append(style, place);
      root = createRoot(place);
      roots.set(parent, root);
    }
    root.render(draw(component));
    return leaving(parent, () => {
      roots.get(parent)?.unmount();
      roots.delete(parent);
      parent.replaceChildren();
    });
  };
}
