/**
 * What it costs to hand an empty job to two threads and get it back, of which each does a part: awake, when one job
 * follows another, and asleep, when the threads have rested before. Beside it the whole call of the smallest op, which is
 * never handed out.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { Context } from "../harness/context.js";
import { mainEngine } from "../harness/engines.js";
import { type Timing, timingOf } from "../harness/measure.js";

const RESTED_MS = 2;

/** All of them take a second. */
export const latencyCases = ["op", "handoff", "handoff_asleep"];

export async function latencySuite(context: Context): Promise<void> {
  if (context.threads < 2 || !context.wants(...latencyCases)) return;
  const backend = await mainEngine.start(2);
  const x = backend.upload(Float32Array.of(1), [1]);
  const add = () => {
    backend.run("binary", { a: x, b: x }, { op: "add" }).y.free();
    backend.diagnostics.drain();
  };
  const handOut = () => backend.diagnostics.handOut();
  const count = context.quick ? 200 : 5000;
  const rows = [
    { name: "op", about: "an op of one element, on the calling thread", timing: await timesOf(add, count) },
    {
      name: "handoff",
      about: "to two threads and back, threads awake",
      timing: await timesOf(handOut, count),
    },
    {
      name: "handoff_asleep",
      about: "to two threads and back, threads asleep",
      timing: await timesOf(handOut, count / 10, RESTED_MS),
    },
  ];
  x.free();
  await backend.dispose();
  for (const { name, about, timing } of rows) {
    context.record({
      suite: "latency",
      case: name,
      about,
      engine: mainEngine.name,
      threads: 2,
      value: timing.median * 1000,
      unit: "µs",
      ms: timing,
    });
  }
}

/** Of single runs, after some that do not count and, where asked for, a rest before each. */
async function timesOf(run: () => void, count: number, rest?: number): Promise<Timing> {
  for (let i = 0; i < 200; i++) run();
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    if (rest !== undefined) await wait(rest);
    const begin = performance.now();
    run();
    times.push(performance.now() - begin);
  }
  return timingOf(times);
}
