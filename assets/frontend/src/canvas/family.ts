/** The colour of a family of layers, as the page defines it. */
export function familyColor(family: string): string {
  const name = family.toLowerCase().replace(/\W+/g, "-");
  const singular = name.replace(/s$/, ""); // the palette's family of blocks is called Blocks
  return `var(--family-${name}, var(--family-${singular}, #888))`;
}
