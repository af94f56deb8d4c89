import { expect, test } from "vitest";
import { duration, plain, short, value } from "../src/format";
import { smoothingText } from "../src/smoothing";
import { emptyText, facts } from "../src/status";
import { META } from "./answers";

test.each([
  [0, "0 s"],
  [59.6, "1 min 0 s"],
  [125, "2 min 5 s"],
  [3600, "1 h 0 min"],
  [359_999, "99 h 59 min"],
])("%f seconds are said as %s", (seconds, text) => expect(duration(seconds)).toBe(text));

test("text of a person is shown by Plotly as it stands", () => {
  expect(plain('<a href="x">&amp;</a>')).toBe('&lt;a href="x"&gt;&amp;amp;&lt;/a&gt;');
});

test("numbers are short, and what is no number says so", () => {
  expect([short(1234.5), value(0.123456), value(1e-9), value(NaN)]).toEqual(["1.23K", "0.1235", "1e-9", "not a number"]);
});

test("smoothing is said in steps", () => {
  expect([smoothingText(1), smoothingText(5000)]).toEqual(["off", "over 5,000 steps"]);
});

test("only what is known of a run is said", () => {
  expect(facts(META)).toEqual([]);
  const going = { ...META, step: 500, total_steps: 2000, epoch: 1, epochs: 4, seconds: 10, remaining_seconds: 30 };
  expect(facts({ ...going, samples_per_second: 1600, device: "cpu" })).toEqual([
    "step 500 of 2,000",
    "epoch 1 of 4",
    "30 s left",
    "50 steps/s",
    "1.6K samples/s",
    "cpu",
  ]);
  const told = facts({ ...going, status: "running", rate: 0.00123456, memory: 500 * 2 ** 20 });
  expect(told.slice(-2)).toEqual(["learning rate 0.001235", "500 MiB at most"]);
  expect(facts({ ...META, status: "finished", rate: 0.1 })).toEqual([]);
});

test("where nothing can be drawn yet the reason is said", () => {
  expect(emptyText(undefined)).toBe("Loading");
  expect(emptyText({ ...META, status: "queued", place: 3 })).toBe("Queued: place 3");
  expect(emptyText({ ...META, status: "queued", place: 3, starts_in: 70.2 })).toBe(
    "Queued: place 3, starts in about 1 min 10 s",
  );
  expect(emptyText({ ...META, status: "queued", place: 1, starts_in: 0 })).toBe("Starts as soon as a process is ready");
  expect(emptyText({ ...META, status: "starting" })).toBe("Starting");
  expect(emptyText(META)).toBe("Waiting for the first step");
  expect(emptyText({ ...META, status: "failed" })).toBe("Nothing was recorded");
});
