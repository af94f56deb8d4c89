import { expect, test } from "vitest";
import { stepsPerUnit } from "../src/axis";
import { waitAfter } from "../src/pull";
import { briefFacts } from "../src/runline";
import { META } from "./answers";

test("a unit of the axis is a step, or as many as an epoch has", () => {
  const meta = { ...META, total_steps: 500, epochs: 20 };
  expect(stepsPerUnit("step", meta)).toBe(1);
  expect(stepsPerUnit("epoch", meta)).toBe(25);
});

test("a run whose length is not known yet is not drawn over epochs", () => {
  expect(stepsPerUnit("epoch", META)).toBeUndefined();
  expect(stepsPerUnit("epoch", { ...META, total_steps: 500 })).toBeUndefined();
  expect(stepsPerUnit("epoch", { ...META, epochs: 3 })).toBeUndefined();
});

test("a young run is asked for more often than an old one, and one that has ended not at all", () => {
  expect(waitAfter({ ...META, step: 9, seconds: 1 })).toBe(500);
  expect(waitAfter({ ...META, step: 9, seconds: 60 })).toBe(1_000);
  expect(waitAfter({ ...META, status: "running" })).toBe(150);
  expect(waitAfter({ ...META, status: "queued", starts_in: 0 })).toBe(150);
  expect(waitAfter({ ...META, status: "queued", starts_in: 60 })).toBe(500);
  expect(waitAfter({ ...META, status: "paused" })).toBe(500);
  for (const status of ["queued", "starting", "running", "paused"] as const) {
    expect(waitAfter({ ...META, status })).not.toBeNull();
  }
  for (const status of ["finished", "stopped", "failed", "interrupted"] as const) {
    expect(waitAfter({ ...META, status })).toBeNull();
  }
});

test("the line of a run says what is known, and no more", () => {
  expect(briefFacts(META)).toBe("");
  expect(briefFacts({ ...META, status: "queued", place: 2 })).toBe("place 2 in the queue");
  const going = { ...META, step: 1200, total_steps: 5000, epoch: 4, epochs: 20, seconds: 12, remaining_seconds: 38 };
  expect(briefFacts(going)).toBe("step 1,200 of 5,000 · epoch 4 of 20 · 38 s left");
  const over = { ...going, status: "finished" as const, remaining_seconds: null };
  expect(briefFacts(over)).toBe("step 1,200 of 5,000 · epoch 4 of 20 · trained for 12 s");
});
