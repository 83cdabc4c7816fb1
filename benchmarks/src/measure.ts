/** Timing that can be trusted on a noisy machine: warm-up, contenders in turns, medians. */
export interface Contender {
  readonly name: string;
  /** One run, its result consumed, all work done when it resolves. */
  run(): Promise<void>;
}

/** Median milliseconds of each contender over `rounds` rounds in turns A B C A B C …, after `warmup` rounds. */
export async function inTurns(
  contenders: readonly Contender[],
  { rounds = 9, warmup = 3 }: { readonly rounds?: number; readonly warmup?: number } = {},
): Promise<number[]> {
  const times: number[][] = contenders.map(() => []);
  for (let round = -warmup; round < rounds; round++) {
    for (const [i, contender] of contenders.entries()) {
      const begin = performance.now();
      await contender.run();
      if (round >= 0) times[i].push(performance.now() - begin);
    }
  }
  return times.map(median);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
