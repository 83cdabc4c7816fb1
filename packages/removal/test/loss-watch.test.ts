import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GONE_NATS, LossWatch, type RemovalEvent } from "../src/index.js";

const feed = (watch: LossWatch, phase: "control" | "removal" | "train", losses: readonly number[]) =>
  losses.forEach((loss, i) => watch.takeStep({ phase, step: i + 1, loss }));
const removal = (step: number): RemovalEvent => ({
  ...{ type: "removal", step, damage: 0.9 },
  removal: { step, kind: "freeze", site: "ln_f" },
});

describe("the loss of a run", () => {
  it("is held against the control's on the same batch, the original's, or its own lowest", () => {
    const control = new LossWatch({ distilled: false });
    feed(control, "control", [3, 5, 4, 4]);
    feed(control, "removal", [3.5, 5.9, 4.9, 5.1]);
    expect(control.onset).toMatchObject({
      phase: "removal",
      step: 4,
      against: "the control's on the same batch",
    });
    const distilled = new LossWatch({ distilled: true });
    feed(distilled, "removal", [0, 0.9, 1.1]);
    expect(distilled.onset).toMatchObject({ phase: "removal", step: 3, against: "the original's" });
    const alone = new LossWatch({ distilled: false });
    feed(alone, "train", [8, 6, 4, 4.9, 5.2]);
    expect(alone.onset).toMatchObject({ phase: "train", step: 5, against: "its lowest so far" });
  });

  it("is back after five updates, and counts as gone from the first on", () => {
    const watch = new LossWatch({ distilled: true });
    feed(watch, "removal", [0, 0, 2, 0, 0, 2, 0, 0, 0, 0]);
    expect(watch.onset?.step).toBe(3);
    watch.takeStep({ phase: "removal", step: 11, loss: 0 });
    expect(watch.onset).toBeUndefined();
    expect([0, 1, 2, 3, 9, 10, 11].map((updates) => watch.soundAt(updates))).toEqual([
      ...[true, true, false, false, false],
      // The eleventh update told that what the tenth made is sound; what it made itself nobody knows.
      ...[true, false],
    ]);
  });

  it("that is no number is gone, and no lowest", () => {
    const watch = new LossWatch({ distilled: false });
    feed(watch, "train", [4, NaN, 4, 4, 4, 4, 4, 4.5]);
    expect(watch.soundAt(1)).toBe(false);
    expect(watch.onset).toBeUndefined();
  });

  it("tells what went last before, and the last updates before it", () => {
    const watch = new LossWatch({ distilled: false });
    feed(watch, "control", [3, 3, 3, 3]);
    watch.takeStep({ phase: "removal", step: 1, loss: 3 });
    watch.takeRemoval(removal(1));
    watch.takeStep({ phase: "removal", step: 2, loss: 3.2 });
    expect(watch.onset).toBeUndefined();
    watch.takeRemoval(removal(2));
    watch.takeStep({ phase: "removal", step: 3, loss: 4.5 });
    watch.takeRemoval(removal(3));
    const onset = watch.onset!;
    expect(onset).toMatchObject({ step: 3, last: { step: 2 } });
    // Of the whole run's updates the fifth is the last whose weights gave a loss where it should be.
    expect(watch.updatesBefore(onset)).toBe(5);
    expect(watch.soundAt(5)).toBe(true);
    expect(watch.soundAt(6)).toBe(false);
    expect(watch.momentOf(5)).toEqual({ phase: "removal", step: 1 });
    expect(watch.momentOf(4)).toEqual({ phase: "control", step: 4 });
  });

  it("of an update that failed is gone since that one, or since it was before", () => {
    const watch = new LossWatch({ distilled: true });
    expect(watch.onsetOfFailure()).toBeUndefined();
    feed(watch, "removal", [0, 0.1]);
    expect(watch.onsetOfFailure()?.step).toBe(3);
    watch.takeStep({ phase: "removal", step: 3, loss: 9 });
    expect(watch.onsetOfFailure()?.step).toBe(3);
  });

  it("near what it is held against never is gone", () =>
    fc.assert(
      fc.property(fc.array(fc.double({ min: -GONE_NATS, max: GONE_NATS, noNaN: true })), (gaps) => {
        const watch = new LossWatch({ distilled: true });
        feed(watch, "removal", gaps);
        expect(watch.onset).toBeUndefined();
        gaps.forEach((_, i) => expect(watch.soundAt(i)).toBe(true));
      }),
    ));
});
