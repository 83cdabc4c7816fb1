/** A machine's clock that is set while a job runs: what is shown of its time follows another. */
import { expect, it } from "vitest";
import { Progress } from "../../src/terminal/progress.js";
import { silentIo } from "../support/tiny.js";

it("changes nothing of the time that is left", () => {
  const silent = silentIo();
  let seconds = 0;
  // An hour back, a day ahead, and back again.
  const dates = [0, -3600, 86_400, 0, -3600].map((off) => new Date(1e12 + 1000 * off));
  const jumping = { ...silent.io, now: () => dates[seconds % dates.length], clock: () => 1000 * seconds };
  const progress = new Progress(jumping, { train: 400, evaluate: 0 });
  for (let step = 1; step <= 20; step++) {
    seconds = step;
    progress.step({ phase: "removal", step, loss: 1, tokensPerSecond: 10 }, 40, 10);
  }
  expect(silent.said().match(/[^ ]+ left/g)).toEqual(["39s left", "30s left", "20s left"]);
});
