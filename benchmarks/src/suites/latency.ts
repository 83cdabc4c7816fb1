/**
 * What it costs to hand an op to the threads and get it back. The engine hands out only what is worth sharing, so the
 * time of an empty op is worked out from three that are timed: one element (which is never handed out, the cost of the
 * call), and two units of `add` on one thread and on all. What is left of the last, without the call and the units' own
 * time, is the handing over: awake when ops follow one another, asleep when the threads have rested before.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { Backend } from "@normless/tensor";
import { random } from "@normless/tensor/testing";
import type { Context } from "../context.js";
import { mainEngine } from "../engines.js";
import { type Timing, timingOf } from "../measure.js";

/** Elements of the op in two units, one each for two threads. */
const TWO_UNITS = 2 * 16384;
const RESTED_MS = 2;

export async function latencySuite(context: Context): Promise<void> {
  const { threads } = context;
  if (threads < 2 || !context.wants("handoff")) return;
  const [alone, together] = [await mainEngine.start(1), await mainEngine.start(2)];
  const count = context.quick ? 200 : 5000;
  const call = await microseconds(together, 1, { count, rested: false });
  const one = await microseconds(alone, TWO_UNITS, { count, rested: false });
  const awake = await microseconds(together, TWO_UNITS, { count, rested: false });
  const asleep = await microseconds(together, TWO_UNITS, { count: count / 10, rested: true });
  await alone.dispose();
  await together.dispose();

  const units = Math.max(0, one.median - call.median) / 2;
  const rows = [
    { name: "call", about: "an op of one element, not handed out", timing: call, own: 0 },
    {
      name: "handoff",
      about: "to two threads and back, threads awake",
      timing: awake,
      own: call.median + units,
    },
    {
      name: "handoff_asleep",
      about: "to two threads and back, threads asleep",
      timing: asleep,
      own: call.median + units,
    },
  ];
  for (const { name, about, timing, own } of rows) {
    context.record({
      suite: "latency",
      case: name,
      about,
      engine: mainEngine.name,
      threads: 2,
      // A noisy machine can make it come out below what any clock here can tell.
      value: Math.max(0.1, timing.median - own),
      unit: "µs",
      ms: {
        median: timing.median / 1000,
        fastest: timing.fastest / 1000,
        slowest: timing.slowest / 1000,
        runs: timing.runs,
      },
    });
  }
}

/** Microseconds of one `add` of `size` elements. */
async function microseconds(
  backend: Backend,
  size: number,
  { count, rested }: { readonly count: number; readonly rested: boolean },
): Promise<Timing> {
  const x = backend.upload(random([size], 1).data, [size]);
  const run = () => backend.run("add", { a: x, b: x }, {}).y.free();
  for (let i = 0; i < 200; i++) run();
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    if (rested) await wait(RESTED_MS);
    const begin = performance.now();
    run();
    times.push((performance.now() - begin) * 1000);
  }
  x.free();
  return timingOf(times);
}
