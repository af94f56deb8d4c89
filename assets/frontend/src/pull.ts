/** Asking the server for what is new of a run. */

import type { History } from "./history";
import { isAlive } from "./status";
import { decodeRun, type RunMeta } from "./wire";

/** A young run is watched closely; one that goes on for long does not change that fast. In milliseconds. */
const UNTIL_THE_FIRST = 150;
const WHILE_YOUNG = 500;
const LATER = 1_000;
const YOUNG_SECONDS = 20;

/** Where a run's numbers come from: `api` is where the routes are, relative to the page. */
export interface Source {
  run: string;
  api: string;
}

/** The answer's bytes, none where nothing is newer; undefined for a run that is not ours to see. */
export async function ask({ api, run }: Source, path: string, signal: AbortSignal): Promise<ArrayBuffer | undefined> {
  const url = new URL(`${api}/runs/${run}/${path}`, document.baseURI);
  const response = await fetch(url, { signal, cache: "no-store" });
  if (response.status === 404 || response.status === 401) return undefined;
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  const bytes = await response.arrayBuffer();
  signal.throwIfAborted(); // another run may be on show by now
  return bytes;
}

/** Take what is new into the history; how the run is by now, or undefined for a run that is not ours to see. */
export async function pullSeries(source: Source, history: History, signal: AbortSignal): Promise<RunMeta | undefined> {
  const query = `after=${history.cursor}&generation=${encodeURIComponent(history.generation)}`;
  const answer = await ask(source, `series?${query}`, signal);
  if (!answer) return undefined;
  const run = decodeRun(answer);
  history.add(run);
  return run.meta;
}

/** Milliseconds until the run is worth asking for again; null when nothing will ever be new. */
export function waitAfter(meta: RunMeta): number | null {
  if (!isAlive(meta.status)) return null;
  const starts = meta.status === "queued" ? meta.starts_in !== null && meta.starts_in < 1 : meta.status !== "paused";
  if (meta.step === 0 && starts) return UNTIL_THE_FIRST;
  return meta.seconds < YOUNG_SECONDS ? WHILE_YOUNG : LATER;
}
