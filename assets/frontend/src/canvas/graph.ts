/** What is connected with what, read from the references of the nodes. */

import type { Level, SheetNode } from "./sheet";

export interface Wire {
  id: string;
  source: string;
  /** Which output of the source, 0 being the first. */
  output: number;
  target: string;
  /** Which input of the target. */
  port: number;
}

/** What gives a signal on a level: a node of it, or an input of the block that it is the inside of. */
export function splitReference(reference: string): { id: string; output: string | null } {
  const colon = reference.indexOf(":");
  return colon < 0 ? { id: reference, output: null } : { id: reference.slice(0, colon), output: reference.slice(colon + 1) };
}

/** A reference is an id alone for the first output. */
export function referenceTo(node: Pick<SheetNode, "id" | "outputs"> | undefined, id: string, output: number): string {
  return output === 0 || !node ? id : `${id}:${node.outputs[output] ?? output}`;
}

function outputIndex(node: SheetNode | undefined, output: string | null): number {
  if (output === null || !node) return 0;
  const index = node.outputs.indexOf(output);
  return index >= 0 ? index : Number.isInteger(Number(output)) ? Math.min(Number(output), Math.max(0, node.outputs.length - 1)) : 0;
}

/** The connections of a level, in document order. References to nothing are left out. */
export function wiresOf({ nodes, given }: Pick<Level, "nodes" | "given">): Wire[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const sources = new Set([...byId.keys(), ...given]);
  return nodes.flatMap((node) =>
    node.inputs.flatMap((reference, port) => {
      if (reference === null) return [];
      const { id, output } = splitReference(reference);
      if (!sources.has(id)) return [];
      return [{ id: `${node.id}.${port}`, source: id, output: outputIndex(byId.get(id), output), target: node.id, port }];
    }),
  );
}

export interface Port {
  index: number;
  /** Without the marks: `x`, `mask`. */
  name: string;
  /** Whether it may stay open. */
  isOptional: boolean;
}

/** The inputs that are drawn: each that is declared, and where any number is taken, one more than are connected. */
export function portsOf({ ports, inputs }: Pick<SheetNode, "ports" | "inputs">): Port[] {
  const many = ports.findIndex((name) => name.endsWith("*"));
  const connected = inputs.reduce((last, source, index) => (source === null ? last : index + 1), 0);
  const count = many < 0 ? Math.max(ports.length, connected) : Math.max(ports.length, connected + 1);
  return Array.from({ length: count }, (_, index) => {
    const declared = ports[many >= 0 ? Math.min(index, many) : index] ?? "";
    const isMany = declared.endsWith("*");
    const name = declared.replace(/[*?]$/, "");
    const isSpare = isMany && index > 0 && index >= connected;
    return { index, name: isMany && count > 1 ? `${name}${index + 1}` : name, isOptional: declared.endsWith("?") || isSpare };
  });
}

export function successorsOf(wires: readonly Wire[]): Map<string, string[]> {
  const map = new Map<string, string[]>();
  for (const { source, target } of wires) map.set(source, [...(map.get(source) ?? []), target]);
  return map;
}

/** Whether a signal from `from` arrives at `to`. */
export function reaches(wires: readonly Wire[], from: string, to: string): boolean {
  const next = successorsOf(wires);
  const seen = new Set([from]);
  const open = [from];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (id === to) return true;
    for (const other of next.get(id) ?? []) {
      if (!seen.has(other)) open.push(other);
      seen.add(other);
    }
  }
  return false;
}

/** Why this connection cannot be, in few words; null where it can. */
export function refusal(wires: readonly Wire[], wanted: Omit<Wire, "id">): string | null {
  const isSame = (wire: Wire) => wire.source === wanted.source && wire.output === wanted.output && wire.target === wanted.target;
  if (wanted.source === wanted.target) return "a node cannot read itself";
  if (wires.some((wire) => isSame(wire) && wire.port === wanted.port)) return "reads it already";
  if (reaches(wires, wanted.target, wanted.source)) return "would run in a circle";
  return null;
}

/** Which way an arrow key goes, seen along the signal. */
export type Step = "forward" | "back" | "next" | "previous";

/**
 * The node that a step leads to: along the connections, or between those that read the same or are read by the same.
 * Among several the nearest across the flow, by `across`.
 */
export function neighbour(wires: readonly Wire[], from: string, step: Step, across: (id: string) => number): string | null {
  const near = (ids: string[]) => [...new Set(ids)].sort((one, other) => Math.abs(across(one) - across(from)) - Math.abs(across(other) - across(from)));
  const after = wires.filter((wire) => wire.source === from).map((wire) => wire.target);
  const before = wires.filter((wire) => wire.target === from).map((wire) => wire.source);
  if (step === "forward") return near(after)[0] ?? null;
  if (step === "back") return near(before)[0] ?? null;
  const siblings = wires.flatMap(({ source, target }) => [
    ...(before.includes(source) ? [target] : []),
    ...(after.includes(target) ? [source] : []),
  ]);
  const isBeyond = (id: string) => (step === "next" ? across(id) > across(from) : across(id) < across(from));
  return near(siblings.filter((id) => id !== from && isBeyond(id)))[0] ?? null;
}

/** The last node that gives something out, for what is added with nothing selected. */
export function lastOutput({ nodes, outputs }: Pick<Level, "nodes" | "outputs">): string | null {
  const ids = new Set(nodes.map((node) => node.id));
  const given = outputs.map((reference) => splitReference(reference).id).filter((id) => ids.has(id));
  return given.at(-1) ?? nodes.at(-1)?.id ?? null;
}
