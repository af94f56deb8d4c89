/** The canvas as a picture for a paper or a slide: an SVG that needs nothing else, dark on white. */

import type { FlowNode, GivenNode, LayerNode, SignalEdge } from "./flow";
import { cornersOf, endsOf, lineOf } from "./paths";
import type { Place } from "./sheet";

const MARGIN = 16;
/** About how wide a letter is, as a share of its size: pictures are made without measuring text. */
const LETTER = 0.56;
const FONT = "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif";
const INK = { text: "#1f2430", quiet: "#5b6270", line: "#8b90a0", card: "#f5f6f9", border: "#c9cdd8" };

interface Extent {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** What is drawn, white space around it left out: connections turn in front of nodes and behind them. */
function extentOf(nodes: readonly FlowNode[], corners: readonly Place[]): Extent {
  const rights = [...nodes.map((node) => node.position.x + (node.width ?? 0)), ...corners.map(([x]) => x)];
  const bottoms = [...nodes.map((node) => node.position.y + (node.height ?? 0)), ...corners.map(([, y]) => y)];
  const left = Math.min(...nodes.map((node) => node.position.x), ...corners.map(([x]) => x));
  const top = Math.min(...nodes.map((node) => node.position.y), ...corners.map(([, y]) => y));
  return { left, top, width: Math.max(...rights) - left, height: Math.max(...bottoms) - top };
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

/** As much of a text as has room, in pixels. */
function fitted(text: string, room: number, size: number): string {
  const most = Math.floor(room / (size * LETTER));
  return text.length <= most ? text : `${text.slice(0, Math.max(0, most - 1))}…`;
}

function textAt(x: number, y: number, text: string, size: number, color: string, more = ""): string {
  return text ? `<text x="${x}" y="${y}" font-size="${size}" fill="${color}"${more}>${escaped(text)}</text>` : "";
}

function cardOf({ data: { node }, position: { x, y }, width = 0, height = 0 }: LayerNode, color: string): string {
  const title = fitted(node.title, 0.6 * width, 12.5);
  const kind = [node.type === node.title ? "" : node.type, node.repeat > 1 ? `× ${node.repeat}` : ""].filter(Boolean).join(" ");
  const behind = node.block ? [6, 3].map((by) => frame(x + by, y + by, width, height, "#fff")) : [];
  const beside = x + 18 + title.length * 12.5 * 0.6;
  return [
    ...behind,
    frame(x, y, width, height, INK.card, node.frozen ? ' stroke-dasharray="4 3"' : ""),
    `<rect x="${x}" y="${y}" width="5" height="${height}" rx="2.5" fill="${color}"/>`,
    textAt(x + 12, y + 17, title, 12.5, INK.text, ' font-weight="650"'),
    textAt(beside, y + 17, fitted(kind, x + width - 8 - beside, 10.5), 10.5, INK.quiet),
    textAt(x + 12, y + 32, fitted(node.about, width - 20, 10.5), 10.5, INK.quiet),
    textAt(x + 12, y + 47, node.shapes[0] ?? "", 10.5, INK.text),
    textAt(x + width - 8, y + 47, node.parameters, 10.5, INK.text, ' text-anchor="end"'),
  ].join("");
}

function frame(x: number, y: number, width: number, height: number, fill: string, more = ""): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="7" fill="${fill}" stroke="${INK.border}"${more}/>`;
}

function dotOf({ data: { name }, position: { x, y }, width = 0, height = 0 }: GivenNode): string {
  const dot = `<circle cx="${x + width / 2}" cy="${y + height / 2}" r="${width / 2}" fill="#fff" stroke="${INK.border}"/>`;
  return dot + textAt(x + width / 2, y + height / 2 + 4, name, 11, INK.text, ' text-anchor="middle"');
}

/** The picture as SVG text; empty for an empty network. `colorOf` gives the colour of a family. */
export function pictureOf(name: string, nodes: readonly FlowNode[], edges: readonly SignalEdge[], colorOf: (family: string) => string): string {
  if (nodes.length === 0) return "";
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const { left, top, width, height } = extentOf(nodes, edges.flatMap((edge) => {
    const [ends, route] = [endsOf(edge, byId), edge.data?.route];
    return ends && route && "turns" in route ? cornersOf(ends, route.turns, route.direction) : [];
  }));
  const lines = edges.flatMap((edge) => {
    const ends = endsOf(edge, byId);
    if (!ends) return [];
    const [path, x, y] = lineOf(ends, edge.data?.route);
    const shape = edge.data?.showsShape ? edge.data.shape : "";
    return [`<path d="${path}"/>`, textAt(x, y + 3, shape, 9.5, INK.quiet, ' text-anchor="middle" stroke="#fff" stroke-width="3" paint-order="stroke"')];
  });
  const shown = nodes.map((node) => (node.type === "layer" ? cardOf(node, colorOf(node.data.node.family)) : dotOf(node)));
  const [fullWidth, fullHeight] = [Math.ceil(width + 2 * MARGIN), Math.ceil(height + 2 * MARGIN)];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${fullWidth}" height="${fullHeight}" viewBox="${left - MARGIN} ${top - MARGIN} ${fullWidth} ${fullHeight}" font-family="${FONT}">`,
    `<title>${escaped(name)}</title><rect x="${left - MARGIN}" y="${top - MARGIN}" width="${fullWidth}" height="${fullHeight}" fill="#fff"/>`,
    `<g fill="none" stroke="${INK.line}" stroke-width="1.5">${lines.filter((line) => line.startsWith("<path")).join("")}</g>`,
    ...lines.filter((line) => line.startsWith("<text")),
    ...shown,
    "</svg>",
  ].join("\n");
}

/** Pixels of a PNG for each of the SVG's: sharp on a slide. */
const SCALE = 2;
/** The longest side that browsers draw. */
const LARGEST = 16_000;

/** The SVG as a PNG. */
export async function pngOf(svg: string): Promise<Blob> {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  try {
    await image.decode();
    const scale = Math.min(SCALE, LARGEST / Math.max(image.width, image.height));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [Math.round(image.width * scale), Math.round(image.height * scale)];
    canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("too large"))), "image/png"));
  } finally {
    URL.revokeObjectURL(image.src);
  }
}

/** Let the browser save a file. */
export function save(content: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
