/** What the route of a probe sends, and what is said of it while there is nothing to draw. */

export interface Told {
  kind: string;
  status: "queued" | "running" | "done" | "failed";
  /** 0 to 1. */
  progress: number;
  result: unknown;
  problem: { title: string; because: string } | null;
}

/** Somebody looks on: it is soon over. In milliseconds. */
const SOON = 250;
const LATER = 1_000;
const PATIENT_PULLS = 80;

export function isOver(told: Told): boolean {
  return told.status === "done" || told.status === "failed";
}

/** Milliseconds until a probe is worth asking for again; null when nothing will ever be new. */
export function waitAfter(told: Told, pulls: number): number | null {
  if (isOver(told)) return null;
  return pulls < PATIENT_PULLS ? SOON : LATER;
}

/** How it is, in a few words; empty when there is something to see. */
export function words(told: Told | undefined): string {
  switch (told?.status) {
    case undefined:
      return "Loading";
    case "queued":
      return "Waiting for a free process";
    case "running":
      return `Testing: ${Math.round(100 * told.progress)} %`;
    case "failed":
      return "Failed";
    case "done":
      return "";
  }
}
