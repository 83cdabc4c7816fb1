import { DeviceLostError } from "@normless/tensor";
import { describe, expect, it } from "vitest";
import { survivingDeviceLoss } from "../../src/engine/device-loss.js";
import { processIo } from "../../src/terminal/io.js";

/** A run whose device is lost when it has saved each of `losses`, and which ends well after the last. */
function run(losses: readonly string[], lose: (at: string) => Error) {
  const said: string[] = [];
  const log: string[] = [];
  let saved: string | undefined;
  const remaining = [...losses];
  const attempt = (how: string) => () => {
    log.push(how);
    const next = remaining.shift();
    if (next === undefined) return Promise.resolve(0);
    saved = next === "" ? saved : next;
    return Promise.reject(lose(next));
  };
  const io = { ...processIo, err: (text: string) => void said.push(text) };
  const attempts = {
    start: attempt("start"),
    resume: attempt("resume"),
    newest: () => Promise.resolve(saved),
  };
  return { result: survivingDeviceLoss(io, attempts), said, log };
}
const lost = (at: string) => new Error(`explained ${at}`, { cause: new DeviceLostError("webgpu: lost") });

describe("after the loss of a device", () => {
  it("goes on from the newest checkpoint, and says so, as often as it gets further", async () => {
    const { result, said, log } = run(["step-10", "step-20"], lost);
    expect(await result).toBe(0);
    expect(log).toEqual(["start", "resume", "resume"]);
    expect(said).toEqual([
      "explained step-10\nGoing on from step-10.\n",
      "explained step-20\nGoing on from step-20.\n",
    ]);
  });

  it("gives up when there is no checkpoint, when it got no further, and on any other error", async () => {
    await expect(run([""], lost).result).rejects.toThrow("explained");
    const stuck = run(["step-10", "step-10"], lost);
    await expect(stuck.result).rejects.toThrow("explained step-10");
    expect(stuck.log).toEqual(["start", "resume"]);
    await expect(run(["step-10"], () => new Error("disk full")).result).rejects.toThrow("disk full");
  });
});
