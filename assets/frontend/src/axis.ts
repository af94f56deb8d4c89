/** What the horizontal axis counts: steps, or epochs where a run knows how many steps an epoch has. */

import type { RunMeta } from "./wire";

export const AXES = ["step", "epoch"] as const;
export type Axis = (typeof AXES)[number];

/** Steps in one unit of the axis; undefined where a run cannot be drawn over it. */
export function stepsPerUnit(axis: Axis, meta: RunMeta): number | undefined {
  if (axis === "step") return 1;
  return meta.total_steps > 0 && meta.epochs > 0 ? meta.total_steps / meta.epochs : undefined;
}
