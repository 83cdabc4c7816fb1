/**
 * Two predictions of one token, from their logits: the loss and the entropy of each, and how far they are apart. All in
 * nats, in float64. Nothing is smoothed: Baroni et al. (2025) add 1e-8 to every probability before their
 * Jensen-Shannon divergence, which over a vocabulary of 50,257 moves up to 5e-4 of the mass; here logarithms of
 * probabilities are differences of logits, so that no zero ever meets one.
 */

/** A prediction of one target, in nats. */
export interface Prediction {
  /** −log p(target). */
  readonly loss: number;
  /** −Σ p·log p. */
  readonly entropy: number;
  /** The likeliest id, the first of equals. */
  readonly top: number;
  /** Its probability. */
  readonly confidence: number;
}

/** Two predictions of one target, and how far apart they are, in nats. */
export interface PredictionPair {
  readonly a: Prediction;
  readonly b: Prediction;
  /** KL(A‖B) = Σ pA·(log pA − log pB); 0 or more. */
  readonly klAB: number;
  /** KL(B‖A). */
  readonly klBA: number;
  /** Jensen-Shannon divergence ½KL(A‖M) + ½KL(B‖M), M = ½(A+B); symmetric, from 0 to log 2. */
  readonly jsd: number;
}

/** a, b (V) logits of two models at one position, all of them finite. */
export function comparePredictions(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  target: number,
): PredictionPair {
  const [ofA, ofB] = [normalizer(a), normalizer(b)];
  let [entropyA, entropyB, klAB, klBA, jsd] = [0, 0, 0, 0, 0];
  for (let t = 0; t < a.length; t++) {
    const [logA, logB] = [a[t] - ofA.lse, b[t] - ofB.lse];
    const [pA, pB] = [Math.exp(logA), Math.exp(logB)];
    entropyA -= pA * logA;
    entropyB -= pB * logB;
    klAB += pA * (logA - logB);
    klBA += pB * (logB - logA);
    // log p − log m, with the larger p taken out of m: the ratio is at most 1, and equal logits give 0 to the bit.
    const larger = Math.max(pA, pB);
    if (larger === 0) continue;
    const below = Math.LN2 - Math.log1p(Math.min(pA, pB) / larger);
    const [fromA, fromB] = pA >= pB ? [below, below + logB - logA] : [below + logA - logB, below];
    jsd += 0.5 * (pA * fromA + pB * fromB);
  }
  const prediction = (logits: ArrayLike<number>, { lse, top }: Normalizer, entropy: number): Prediction => ({
    loss: lse - logits[target],
    entropy: notNegative(entropy),
    top,
    confidence: Math.exp(logits[top] - lse),
  });
  return {
    a: prediction(a, ofA, entropyA),
    b: prediction(b, ofB, entropyB),
    klAB: notNegative(klAB),
    klBA: notNegative(klBA),
    jsd: Math.min(notNegative(jsd), Math.LN2),
  };
}

interface Normalizer {
  /** Log of the summed exponentials. */
  readonly lse: number;
  readonly top: number;
}

function normalizer(logits: ArrayLike<number>): Normalizer {
  let top = 0;
  for (let t = 1; t < logits.length; t++) if (logits[t] > logits[top]) top = t;
  let sum = 0;
  for (let t = 0; t < logits.length; t++) sum += Math.exp(logits[t] - logits[top]);
  return { lse: logits[top] + Math.log(sum), top };
}

/** What is 0 or more by its definition may come out some 1e-17 below. */
function notNegative(value: number): number {
  return Math.max(0, value);
}
