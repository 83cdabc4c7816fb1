/** From logits to the next token: temperature, top-k and top-p, as a pure function of the logits and one uniform draw. */
export interface Sampling {
  /** Divides the logits; 0 takes the most likely token (greedy). Default 1. */
  readonly temperature?: number;
  /** Only the k most likely tokens. Default all. */
  readonly topK?: number;
  /** Only the fewest most likely tokens whose probabilities reach p (nucleus sampling, Holtzman et al. 2020). Default 1. */
  readonly topP?: number;
}

/** @throws RangeError naming the option and its range. */
export function checkSampling({ temperature = 1, topK = 1, topP = 1 }: Sampling): void {
  if (!(temperature >= 0 && Number.isFinite(temperature))) {
    throw new RangeError(`temperature is ${temperature}; it is a number from 0 (greedy) up`);
  }
  if (!Number.isSafeInteger(topK) || topK < 1)
    throw new RangeError(`topK is ${topK}; it is a whole number from 1 up`);
  if (!(topP > 0 && topP <= 1)) throw new RangeError(`topP is ${topP}; it is above 0 and at most 1`);
}

/** The id that `uniform`, in [0, 1), picks from one row of logits (V). Ties go to the lower id. */
export function sampleToken(logits: ArrayLike<number>, uniform: number, sampling: Sampling = {}): number {
  checkSampling(sampling);
  const { temperature = 1, topK = logits.length, topP = 1 } = sampling;
  const ids = Array.from({ length: logits.length }, (_, id) => id);
  ids.sort((a, b) => logits[b] - logits[a] || a - b);
  if (temperature === 0) return ids[0];
  const kept = ids.slice(0, topK);
  const weights = kept.map((id) => Math.exp((logits[id] - logits[ids[0]]) / temperature));
  const total = weights.reduce((a, b) => a + b, 0);
  let reached = 0;
  let count = 0;
  while (count < kept.length && reached < topP * total) reached += weights[count++];
  let left = uniform * reached;
  for (let i = 0; i < count; i++) {
    left -= weights[i];
    if (left < 0) return kept[i];
  }
  return kept[count - 1];
}
