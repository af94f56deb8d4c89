/** Sheets and nodes for tests. */

import type { Level, Sheet, SheetNode } from "../../src/canvas/sheet";

export function node(id: string, inputs: (string | null)[] = [], other: Partial<SheetNode> = {}): SheetNode {
  return {
    id, title: id, type: "Linear", block: false, repeat: 1, family: "dense", about: "", inputs, ports: inputs.map((_, index) => `x${index}`),
    outputs: ["y"], shapes: ["10"], parameters: "", frozen: false, place: null, problem: null, ...other,
  };
}

export function sheet(revision: number, nodes: SheetNode[], other: Partial<Sheet> = {}): Sheet {
  return {
    revision, base: null, at: "", name: "test", undo: false, redo: false, block: null, path: [{ at: "", title: "test" }], given: [], outputs: [],
    nodes, gone: [], order: null, ...other,
  };
}

export function level(nodes: SheetNode[], other: Partial<Level> = {}): Level {
  const { base: _, gone: __, order: ___, added: ____, ...facts } = sheet(1, nodes);
  return { ...facts, ...other };
}

/** Nodes that each read the one before. */
export function chain(count: number): SheetNode[] {
  return Array.from({ length: count }, (_, index) => node(`n${index}`, index === 0 ? [] : [`n${index - 1}`]));
}

/** Of a canvas beside an inspector in a window of 1440 x 900. */
export const ROOM = { width: 760, height: 640 };
