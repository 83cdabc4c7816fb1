/** What each job is told to wait for. */
import { describe, expect, it } from "vitest";
import { Engine, type Footprint } from "../src/engine.js";
import { Heap } from "../src/memory.js";

/** An engine that does nothing, and what its jobs wait for: all jobs below `after`, and with `chained` the one before. */
function recording() {
  const jobs: { after: number; chained: boolean }[] = [];
  const heap = new Heap();
  const exports = {
    publish: (_phase: number, _units: number, _parts: number, after: number, chained: number) =>
      void jobs.push({ after, chained: chained === 1 }),
    drain: () => undefined,
    quitAll: () => undefined,
    firstOutside: () => -1,
  };
  const engine = new Engine(exports, heap, 2);
  const job = () => engine.run("nothing", 2, Infinity, []);
  /** An op of so many jobs, which asks for scratch memory first. */
  const op = (count: number, footprint?: Footprint, scratch = 64) => {
    engine.beginOp(footprint);
    const pointer = engine.scratch(scratch);
    for (let i = 0; i < count; i++) job();
    engine.endOp();
    return pointer;
  };
  return { heap, engine, jobs, job, op };
}

const touches = (reads: readonly number[], writes: readonly number[]): Footprint => ({
  reads: reads.flatMap((x) => [x, x + 10]),
  writes: writes.flatMap((x) => [x, x + 10]),
});

describe("an op", () => {
  it("waits for all before the last one where neither of the two touches what the other writes", () => {
    const { op, jobs } = recording();
    // Regions of scratch memory grow at their first use, and then everything is waited for.
    op(1, touches([], [0]));
    op(1, touches([], [0]));
    op(1, touches([], [0]));
    op(2, touches([20], [30]));
    op(3, touches([20], [40]));
    expect(jobs).toEqual([
      { after: 0, chained: false },
      { after: 1, chained: false },
      { after: 2, chained: false },
      { after: 2, chained: false },
      { after: 2, chained: true },
      { after: 3, chained: false },
      { after: 3, chained: true },
      { after: 3, chained: true },
    ]);
  });

  it.each([
    ["reads what the last one writes", touches([20], [30]), touches([39], [50])],
    ["writes what the last one reads", touches([20], [30]), touches([50], [11])],
    ["writes what the last one writes", touches([20], [30]), touches([50], [21, 30])],
    ["says nothing of what it touches", touches([20], [30]), undefined],
    ["follows one that said nothing", undefined, touches([50], [60])],
  ])("waits for all when it %s", (_name, first, second) => {
    const { op, jobs } = recording();
    for (const warm of [0, 100]) op(1, touches([], [warm]));
    op(1, first);
    op(2, second);
    expect(jobs.slice(3)).toEqual([
      { after: 3, chained: false },
      { after: 4, chained: true },
    ]);
  });

  it("may begin where the last one ends", () => {
    const { op, jobs } = recording();
    for (const warm of [0, 100]) op(1, touches([], [warm]));
    op(1, touches([20], [30]));
    op(1, touches([10], [40]));
    expect(jobs[3].after).toBe(2);
  });
});

describe("scratch memory", () => {
  it("is never that of an op that may still run", () => {
    const { op } = recording();
    const pointers = [1, 2, 3, 4].map((i) => op(1, touches([], [i * 100])));
    const alone = op(1);
    expect(pointers).toContain(alone);
    expect(op(1, touches([], [0]))).not.toBe(alone);
    for (const [i, pointer] of pointers.entries()) if (i > 0) expect(pointer).not.toBe(pointers[i - 1]);
  });

  it("that is new is waited for: another op may still use the memory, and this one what it outgrew", () => {
    const { op, jobs } = recording();
    for (const warm of [0, 100]) op(1, touches([], [warm]));
    op(1, touches([20], [30]), 1 << 21);
    op(1, touches([20], [40]));
    op(1, touches([20], [50]));
    expect(jobs.slice(2).map(({ after }) => after)).toEqual([2, 3, 3]);
  });
});
