/** What each job is told to wait for, and which scratch memory it has. */
import fc from "fast-check";
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
    fail: () => undefined,
    firstOutside: () => -1,
    multiplyAdd: () => 0,
  };
  const engine = new Engine(exports, heap, 2);
  const job = () => engine.run("meet", 2, Infinity, []);
  /** An op of so many jobs, which asks for scratch memory first. */
  const op = (count: number, footprint?: Footprint, scratch = 64) => {
    engine.beginOp(footprint);
    const pointer = engine.scratch(scratch);
    for (let i = 0; i < count; i++) job();
    engine.endOp();
    return pointer;
  };
  /** Both regions of scratch memory grow at their first use, and then everything is waited for. */
  const warm = () => [0, 100].forEach((at) => op(1, touches([], [at])));
  return { heap, engine, jobs, job, op, warm };
}

const touches = (reads: readonly number[], writes: readonly number[]): Footprint => ({
  reads: reads.flatMap((x) => [x, x + 10]),
  writes: writes.flatMap((x) => [x, x + 10]),
});

describe("an op", () => {
  it("waits for all before the last one where neither of the two touches what the other writes", () => {
    const { op, jobs, warm } = recording();
    warm();
    op(1, touches([], [0]));
    op(2, touches([20], [30]));
    op(3, touches([20], [40]));
    expect(jobs.slice(2)).toEqual([
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
    const { op, jobs, warm } = recording();
    warm();
    op(1, first);
    op(2, second);
    expect(jobs.slice(3)).toEqual([
      { after: 3, chained: false },
      { after: 4, chained: true },
    ]);
  });

  it("may begin where the last one ends", () => {
    const { op, jobs, warm } = recording();
    warm();
    op(1, touches([20], [30]));
    op(1, touches([10], [40]));
    expect(jobs[3].after).toBe(2);
  });
});

describe("scratch memory", () => {
  it("is never that of an op that may still run", () => {
    const place = fc.integer({ min: 0, max: 5 }).map((at) => at * 100);
    const footprint = fc.option(fc.tuple(place, place), { nil: undefined });
    const size = fc.integer({ min: 0, max: 5000 });
    let beside = 0;
    fc.assert(
      fc.property(fc.array(fc.tuple(footprint, size), { maxLength: 40 }), (ops) => {
        const { op, jobs } = recording();
        const taken = ops.map(([at, bytes]) => ({
          begin: op(1, at && touches([at[0]], [at[1]]), bytes),
          bytes,
        }));
        for (const [i, { begin, bytes }] of taken.entries()) {
          // All jobs from `after` on may still run.
          for (const other of taken.slice(jobs[i].after, i)) {
            beside += 1;
            expect(begin + bytes <= other.begin || other.begin + other.bytes <= begin).toBe(true);
          }
        }
      }),
    );
    expect(beside).toBeGreaterThan(0);
  });

  it("is one block once an op has ended, however often it asked", () => {
    const { heap, engine } = recording();
    const op = () => {
      engine.beginOp();
      engine.scratch(10_000);
      engine.scoped(() => engine.scratch(70_000));
      engine.scoped(() => engine.scratch(50_000));
      engine.scratch(20_000);
      engine.endOp();
    };
    op();
    const { extent } = heap;
    // The most that it held at once, and no more.
    expect(extent).toBeLessThan(10_000 + 70_000 + 1000);
    for (let i = 0; i < 10; i++) op();
    expect(heap.extent).toBe(extent);
  });

  it("takes no more while it grows because a large piece is followed by a small one, again and again", () => {
    const { heap, engine } = recording();
    engine.beginOp();
    for (let i = 0; i < 10; i++) {
      engine.scoped(() => {
        engine.scratch(70_000);
        engine.scratch(1000);
      });
    }
    expect(heap.extent).toBeLessThan(2 * 70_000);
    engine.endOp();
  });

  it("is no piece that is still held, however scopes are nested", () => {
    type Piece = number | readonly Piece[];
    const { piece } = fc.letrec<{ piece: Piece }>((tie) => ({
      piece: fc.oneof(
        { maxDepth: 3 },
        fc.integer({ min: 0, max: 3000 }),
        fc.array(tie("piece"), { maxLength: 5 }),
      ),
    }));
    fc.assert(
      fc.property(fc.array(fc.array(piece, { maxLength: 8 }), { maxLength: 4 }), (ops) => {
        const { heap, engine } = recording();
        const tensor = heap.allocate(1000);
        const take = (pieces: readonly Piece[], above: readonly (readonly [number, number])[]) => {
          const held = [...above];
          for (const next of pieces) {
            if (typeof next === "number") {
              const begin = engine.scratch(next);
              for (const [other, end] of held) expect(begin + next <= other || end <= begin).toBe(true);
              held.push([begin, begin + next]);
            } else engine.scoped(() => take(next, held));
          }
        };
        for (const pieces of ops) {
          engine.beginOp();
          take(pieces, [[tensor, tensor + 1000]]);
          engine.endOp();
        }
      }),
    );
  });

  it("that is not there leaves what is there to its owner", () => {
    const { heap, engine, op } = recording();
    op(1, undefined, 1000);
    engine.beginOp();
    const before = engine.scratch(500);
    expect(() => engine.scratch(heap.limit)).toThrow("no room");
    engine.endOp();
    const tensor = heap.allocate(1000);
    const after = op(1, undefined, 500);
    expect(after).toBe(before);
    expect(after + 500 <= tensor || tensor + 1000 <= after).toBe(true);
  });

  it("that is new is waited for: another op may still use the memory, and this one what it outgrew", () => {
    const { op, jobs, warm } = recording();
    warm();
    op(1, touches([20], [30]), 1 << 21);
    op(1, touches([20], [40]));
    op(1, touches([20], [50]));
    expect(jobs.slice(2).map(({ after }) => after)).toEqual([2, 3, 3]);
  });
});
