/** What can be added: finding it by what a person types, and in which order it is shown. */

export interface PaletteEntry {
  name: string;
  family: string;
  about: string;
  aliases: string[];
  block: boolean;
}

export interface PaletteGroup {
  family: string;
  entries: PaletteEntry[];
}

/** How well an entry fits a word: 0 best, undefined where it does not fit. */
function rank({ name, aliases, family }: PaletteEntry, word: string): number | undefined {
  const lower = name.toLowerCase();
  const others = aliases.map((alias) => alias.toLowerCase());
  if (lower === word) return 0;
  if (lower.startsWith(word)) return 1;
  if (others.some((alias) => alias.startsWith(word))) return 2;
  if (lower.includes(word)) return 3;
  if (others.some((alias) => alias.includes(word))) return 4;
  return family.toLowerCase().includes(word) ? 5 : undefined;
}

/** The entries that fit all words of a text, best first; all of them for no text. */
export function searchPalette(entries: readonly PaletteEntry[], text: string): PaletteEntry[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const ranked = entries.flatMap((entry, index) => {
    const ranks = words.map((word) => rank(entry, word));
    if (ranks.includes(undefined)) return [];
    return [{ entry, index, worst: Math.max(0, ...(ranks as number[])) }];
  });
  return ranked.sort((one, other) => one.worst - other.worst || one.index - other.index).map(({ entry }) => entry);
}

/** The same entries by family; the family of the best entry comes first. */
export function groupByFamily(entries: readonly PaletteEntry[]): PaletteGroup[] {
  const groups = new Map<string, PaletteEntry[]>();
  for (const entry of entries) groups.set(entry.family, [...(groups.get(entry.family) ?? []), entry]);
  return [...groups].map(([family, members]) => ({ family, entries: members }));
}
