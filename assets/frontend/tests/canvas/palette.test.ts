import { expect, test } from "vitest";
import { groupByFamily, searchPalette, type PaletteEntry } from "../../src/canvas/palette";

const entry = (name: string, family: string, aliases: string[] = []): PaletteEntry => ({ name, family, about: "", aliases, block: false });

const PALETTE = [
  entry("Residual", "Blocks", ["skip"]),
  entry("BatchNorm2d", "Normalization", ["batch normalization"]),
  entry("ConvTranspose2d", "Convolution", ["deconvolution"]),
  entry("Conv2d", "Convolution"),
  entry("Linear", "Dense", ["dense", "fully connected"]),
  entry("GRU", "Recurrent"),
];

test.each([
  ["", ["Residual", "BatchNorm2d", "ConvTranspose2d", "Conv2d", "Linear", "GRU"]],
  ["conv", ["ConvTranspose2d", "Conv2d"]],
  ["conv2d", ["Conv2d"]],
  ["dense", ["Linear"]],
  ["skip", ["Residual"]],
  ["recurrent", ["GRU"]],
  ["norm", ["BatchNorm2d"]],
  ["2d conv", ["ConvTranspose2d", "Conv2d"]],
  ["conv linear", []],
  ["xyz", []],
])("%j finds %j", (text, names) => expect(searchPalette(PALETTE, text).map(({ name }) => name)).toEqual(names));

test("a name that begins so comes before an alias, that before a part of a name, that before a family", () => {
  const entries = [entry("Q", "Linear things"), entry("Bilinear", "Dense"), entry("W", "Dense", ["linearize"]), entry("Linear", "Dense")];
  expect(searchPalette(entries, "lin").map(({ name }) => name)).toEqual(["Linear", "W", "Bilinear", "Q"]);
});

test("the whole name comes before longer ones", () => {
  expect(searchPalette([entry("GRUCell", "Recurrent"), entry("GRU", "Recurrent")], "gru")[0]?.name).toBe("GRU");
});

test("groups keep the order of their best entries, and lose none", () => {
  const groups = groupByFamily(searchPalette(PALETTE, "d"));
  const names = groups.flatMap(({ entries }) => entries.map(({ name }) => name));
  expect(new Set(names)).toEqual(new Set(searchPalette(PALETTE, "d").map(({ name }) => name)));
  expect(new Set(groups.map(({ family }) => family)).size).toBe(groups.length);
});
