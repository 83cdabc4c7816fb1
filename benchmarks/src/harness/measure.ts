/** Timing that can be trusted on a noisy machine: warm-up, contenders in turns, medians. */
import { setTimeout as wait } from "node:timers/promises";

export interface Contender {
  readonly name: string;
  /** One run on all work done: the milliseconds that it took, by its own clock. */
  run(): Promise<number>;
}

export interface Rounds {
  readonly rounds: number;
  readonly warmup: number;
  /** How long a turn is at least, and the rest before it; unless given, as long as threads that wait awake need. */
  readonly turnMs?: number;
  readonly restMs?: number;
}

/** Milliseconds. */
export interface Timing {
  readonly median: number;
  readonly fastest: number;
  readonly slowest: number;
  readonly runs: number;
}

/** Between turns, so that threads of the one before have gone to sleep: OpenBLAS's wait awake for some 25 ms. */
const REST_MS = 50;
/** A turn is as many runs as fill this, so that a run of few milliseconds is not all waking up. */
const TURN_MS = 50;

/**
 * What each contender takes over rounds in turns, A B C A B C …, after rounds that do not count. A turn counts as one
 * run, of the mean of its time.
 */
export async function inTurns(
  contenders: readonly Contender[],
  { rounds, warmup, turnMs = TURN_MS, restMs = REST_MS }: Rounds,
): Promise<Timing[]> {
  const times: number[][] = contenders.map(() => []);
  for (let round = -warmup; round < rounds; round++) {
    for (const [i, contender] of contenders.entries()) {
      await wait(restMs);
      let [ms, runs] = [0, 0];
      for (; ms < turnMs; runs++) ms += await contender.run();
      if (round >= 0) times[i].push(ms / runs);
    }
  }
  return times.map(timingOf);
}

export function timingOf(ms: readonly number[]): Timing {
  return { median: median(ms), fastest: Math.min(...ms), slowest: Math.max(...ms), runs: ms.length };
}

/** A contender whose time is that of `work`, which resolves when all of it is done. */
export function timed(name: string, work: () => Promise<void>): Contender {
  return {
    name,
    async run() {
      const begin = performance.now();
      await work();
      return performance.now() - begin;
    },
  };
}

/** @throws RangeError when there are no values. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("the median of no values");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
