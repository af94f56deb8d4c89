/** What ties the canvas and the layer table together in the browser: what is pointed at in one lights up in the other. */

import { useSyncExternalStore } from "react";

export type Side = "canvas" | "table";

/** Where a node of a level is: `stage1`, or `stage1.conv1` inside it. */
export function pathOf(at: string, id: string): string {
  return at ? `${at}.${id}` : id;
}

/** Whether a path leads to a node, or to something inside it. */
export function isWithin(path: string, node: string): boolean {
  return path === node || path.startsWith(`${node}.`);
}

/** Holds the path of what the pointer or the focus is on, on one side at a time. */
export class Lamp {
  private side: Side | null = null;
  private path = "";
  private readonly listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** The path that is pointed at on a side; null where it is none there. */
  on(side: Side): string | null {
    return this.side === side ? this.path : null;
  }

  light(side: Side, path: string): void {
    if (this.on(side) === path) return;
    [this.side, this.path] = [side, path];
    this.tell();
  }

  /** Nothing is pointed at on a side any more; what is on the other one stays. */
  dark(side: Side): void {
    if (this.side !== side) return;
    this.side = null;
    this.tell();
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}

/** Takes whoever chooses a row to the node: on the canvas, where there is one. */
export class Guide {
  private show: ((path: string) => void) | null = null;

  /** From now on `show` selects what is chosen, until the function that comes back is called. */
  follow(show: (path: string) => void): () => void {
    this.show = show;
    return () => {
      if (this.show === show) this.show = null;
    };
  }

  /** False where nobody follows. */
  lead(path: string): boolean {
    this.show?.(path);
    return this.show !== null;
  }
}

export const lamp = new Lamp();
export const guide = new Guide();

/** Whether what is pointed at on the other side concerns this one: drawn again only when that changes. */
export function useLit(pointed: Side, concerns: (path: string) => boolean): boolean {
  return useSyncExternalStore(lamp.subscribe, () => {
    const path = lamp.on(pointed);
    return path !== null && concerns(path);
  });
}
