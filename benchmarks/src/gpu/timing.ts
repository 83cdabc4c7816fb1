/** Times of what runs on a device: as many calls in a row as take a while, then one wait. */

/** Calls are doubled until they take this long together, so that the wait itself does not count. */
const LONG_ENOUGH_MS = 20;
const MOST_CALLS = 1 << 12;

async function millisecondsOf(calls: number, run: () => void, done: () => Promise<void>): Promise<number> {
  const begin = performance.now();
  for (let i = 0; i < calls; i++) run();
  await done();
  return performance.now() - begin;
}

/** Milliseconds of one call: the fastest of some rounds, after one that compiles. */
export async function fastest(run: () => void, done: () => Promise<void>, rounds = 3): Promise<number> {
  return (await inTurns([run], done, rounds))[0];
}

/** The same for several, in turns, so that what else the machine does hits all alike. */
export async function inTurns(
  runs: readonly (() => void)[],
  done: () => Promise<void>,
  rounds = 3,
): Promise<number[]> {
  const counts: number[] = [];
  for (const run of runs) {
    await millisecondsOf(1, run, done);
    let calls = 1;
    while (calls < MOST_CALLS && (await millisecondsOf(calls, run, done)) < LONG_ENOUGH_MS) calls *= 2;
    counts.push(calls);
  }
  const best = runs.map(() => Infinity);
  for (let round = 0; round < rounds; round++) {
    for (const [i, run] of runs.entries()) {
      best[i] = Math.min(best[i], (await millisecondsOf(counts[i], run, done)) / counts[i]);
    }
  }
  return best;
}
