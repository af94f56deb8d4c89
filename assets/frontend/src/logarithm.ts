/** What a logarithmic axis can show. */

/** Of a line: no value is a gap. */
export function positive(values: number[]): number[] {
  return values.map((value) => (value > 0 ? value : NaN));
}

/** Of a band's edge: a gap stays one, and what is not positive lies at `floor`, so that the band reaches down. */
export function clamped(values: number[], floor: number): number[] {
  return values.map((value) => (value < floor ? floor : value));
}

/** The smallest positive one of the values: as low as an axis need go. */
export function smallestPositive(values: number[]): number {
  return values.reduce((smallest, value) => (value > 0 && value < smallest ? value : smallest), Infinity);
}
