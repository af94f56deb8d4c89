/** Small helpers of the canvas that have nothing to do with networks. */

import { useCallback, useEffect, useRef, useState, type RefObject } from "react";

/** The same function at each drawing, which does what the newest one does. */
export function useStable<Arguments extends unknown[], Result>(does: (...args: Arguments) => Result): (...args: Arguments) => Result {
  const newest = useRef(does);
  newest.current = does;
  return useCallback((...args: Arguments) => newest.current(...args), []);
}

/** A choice that this browser remembers; a browser that forbids that forgets it. */
export function useRemembered<Value extends string>(key: string, first: Value, values: readonly Value[]): [Value, (value: Value) => void] {
  const [value, setValue] = useState<Value>(() => {
    try {
      return values.find((one) => one === localStorage.getItem(key)) ?? first;
    } catch {
      return first;
    }
  });
  const remember = useCallback((chosen: Value) => {
    setValue(chosen);
    try {
      localStorage.setItem(key, chosen);
    } catch {
      // it holds until the page is left
    }
  }, [key]);
  return [value, remember];
}

/** Whether an element has a size yet: inside a closed tab of the page it has none. */
export function useIsSized(element: RefObject<HTMLElement | null>): boolean {
  const [isSized, setSized] = useState(false);
  useEffect(() => {
    const observer = new ResizeObserver(() => setSized((element.current?.clientWidth ?? 0) > 0));
    if (element.current) observer.observe(element.current);
    return () => observer.disconnect();
  }, [element]);
  return isSized;
}

/** Whether an element fills the screen, and how to change that. */
export function useFullscreen(element: RefObject<HTMLElement | null>): [boolean, () => void] {
  const [isFull, setFull] = useState(false);
  useEffect(() => {
    const look = () => {
      const root = element.current?.getRootNode() as ShadowRoot | undefined;
      setFull(root?.fullscreenElement != null && root.fullscreenElement === element.current);
    };
    document.addEventListener("fullscreenchange", look);
    return () => document.removeEventListener("fullscreenchange", look);
  }, [element]);
  const toggle = useCallback(() => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else element.current?.requestFullscreen?.().catch(() => undefined); // a frame may forbid it
  }, [element]);
  return [isFull, toggle];
}

/** How long a movement of the view takes, in milliseconds: no time for those who want less motion. */
export function motion(milliseconds = 200): number {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : milliseconds;
}
