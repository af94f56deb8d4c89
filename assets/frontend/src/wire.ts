/** What the HTTP routes send: a 32-bit length, that many bytes of JSON, then rows or numbers. All little-endian. */

export type Status =
  | "queued"
  | "starting"
  | "running"
  | "paused"
  | "finished"
  | "stopped"
  | "failed"
  | "interrupted";

export interface RunMeta {
  cursor: number;
  /** How many of the rows are closed, and how many after them are still open. */
  closed: number;
  open: number;
  series: string[];
  generation: string;
  /** The rows begin anew: what the caller holds is of another attempt. */
  reset: boolean;
  status: Status;
  step: number;
  total_steps: number;
  epoch: number;
  epochs: number;
  /** Spent training so far. */
  seconds: number;
  samples_per_second: number;
  remaining_seconds: number | null;
  device: string | null;
  /** In the queue: 1 goes next. */
  place: number | null;
  /** Seconds until a waiting run probably starts. */
  starts_in: number | null;
  /** The learning rate by now. */
  rate: number | null;
  /** The most bytes that it held at once on its device. */
  memory: number | null;
  /** The step at which there was something else to tell of it than before; null where nothing has been told. */
  advised: number | null;
  problem: { title: string; because: string } | null;
}

/** The points of one series from the step `first` to the step `last`. */
export interface Bucket {
  series: number;
  points: number;
  first: number;
  last: number;
  mean: number;
  min: number;
  max: number;
}

export interface RunAnswer {
  meta: RunMeta;
  buckets: Bucket[];
}

export interface BoundaryMeta {
  step: number;
  x: [number, number];
  y: [number, number];
  /** Cells along each side. */
  size: number;
  classes: number;
  labels: string[];
}

export interface PointsMeta {
  step: number;
  count: number;
  labels: string[];
}

export const ROW_BYTES = 40;

/** One row: series u16, padding u16, points u32, first i64, last i64, mean f32, min f32, max f32, padding u32. */
function bucketAt(view: DataView, offset: number): Bucket {
  return {
    series: view.getUint16(offset, true),
    points: view.getUint32(offset + 4, true),
    first: Number(view.getBigInt64(offset + 8, true)),
    last: Number(view.getBigInt64(offset + 16, true)),
    mean: view.getFloat32(offset + 24, true),
    min: view.getFloat32(offset + 28, true),
    max: view.getFloat32(offset + 32, true),
  };
}

function split<Meta>(buffer: ArrayBuffer): { meta: Meta; rest: DataView } {
  const length = new DataView(buffer).getUint32(0, true);
  const meta = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))) as Meta;
  return { meta, rest: new DataView(buffer, 4 + length) };
}

/** Read an answer of the series route. Throws RangeError where bytes are missing or left over. */
export function decodeRun(buffer: ArrayBuffer): RunAnswer {
  const { meta, rest } = split<RunMeta>(buffer);
  const count = meta.closed + meta.open;
  if (rest.byteLength !== count * ROW_BYTES) throw new RangeError("the answer does not hold the rows that it names");
  return { meta, buckets: Array.from({ length: count }, (_, row) => bucketAt(rest, row * ROW_BYTES)) };
}

/** Read a picture whose data are 32-bit floats. Throws RangeError where they are not whole. */
export function decodeView<Meta>(buffer: ArrayBuffer): { meta: Meta; values: Float32Array } {
  const { meta, rest } = split<Meta>(buffer);
  if (rest.byteLength % 4 !== 0) throw new RangeError("the picture does not hold whole numbers");
  const values = Float32Array.from({ length: rest.byteLength / 4 }, (_, index) => rest.getFloat32(4 * index, true));
  return { meta, values };
}
