/** Points and cells of the plane. */

/** x, y, class, part. */
const NUMBERS_PER_POINT = 4;

export interface Group {
  class: number;
  part: number;
  x: number[];
  y: number[];
}

/** The points by class and by part of the data. */
export function grouped(values: Float32Array): Group[] {
  const groups = new Map<string, Group>();
  for (let at = 0; at < values.length; at += NUMBERS_PER_POINT) {
    const [x, y, label, part] = values.subarray(at, at + NUMBERS_PER_POINT) as unknown as [number, number, number, number];
    const key = `${label} ${part}`;
    const group = groups.get(key) ?? { class: label, part, x: [], y: [] };
    group.x.push(x);
    group.y.push(y);
    groups.set(key, group);
  }
  return [...groups.values()].sort((one, other) => one.class - other.class || one.part - other.part);
}

/** The centres of `size` cells from one end to the other. */
export function centres([low, high]: [number, number], size: number): number[] {
  return Array.from({ length: size }, (_, cell) => low + ((cell + 0.5) * (high - low)) / size);
}
