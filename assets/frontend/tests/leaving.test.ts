import { expect, test, vi } from "vitest";
import { leaving } from "../src/leaving";

test("a call that is taken back late leaves what a newer one has made, and the newest takes it away", () => {
  const [place, elsewhere, leave] = [{}, {}, vi.fn()];
  const first = leaving(place, leave);
  const other = leaving(elsewhere, vi.fn());
  const second = leaving(place, leave);
  first();
  other();
  expect(leave).not.toHaveBeenCalled();
  second();
  expect(leave).toHaveBeenCalledOnce();
});
