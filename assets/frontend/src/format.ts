/** Numbers and times as people read them. */

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

export function whole(value: number): string {
  return WHOLE.format(value);
}

/** Three digits: 1.24K, 3.1. */
export function short(value: number): string {
  return SHORT.format(value);
}

/** Four digits, whatever the size: 0.01234, 1.5e-7. */
export function value(number: number): string {
  return Number.isFinite(number) ? String(Number(number.toPrecision(4))) : "not a number";
}

/** 48 s, 2 min 5 s, 1 h 12 min. */
export function duration(seconds: number): string {
  const total = Math.max(0, Math.round(seconds));
  if (total < 60) return `${total} s`;
  if (total < 3600) return `${Math.floor(total / 60)} min ${total % 60} s`;
  return `${whole(Math.floor(total / 3600))} h ${Math.floor((total % 3600) / 60)} min`;
}

/** 40.3 KiB, 412 MiB. */
export function memory(bytes: number): string {
  const sizes: [number, string][] = [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]];
  const found = sizes.find(([size]) => bytes >= size);
  return found ? `${Number((bytes / found[0]).toPrecision(3))} ${found[1]}` : `${bytes} B`;
}

/** Text that Plotly shows as it stands: it would take tags in it for its own. */
export function plain(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
