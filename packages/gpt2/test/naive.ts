/** GPT-2 in plain loops over float64, from the paper and from what transformers' config says of attention. */
import type { Gpt2Config } from "../src/index.js";

type Vector = number[];

/** Values by their names, changed by whoever takes differences. */
export type NaiveWeights = Readonly<Record<string, { readonly data: Float64Array }>>;

/** Logits of one sequence, (T,V), of a model with LayerNorm everywhere. */
export function naiveLogits(weights: NaiveWeights, config: Gpt2Config, ids: readonly number[]): Vector[] {
  const { channels: C, heads: H, inner, layers, vocabSize: V, eps } = config;
  const D = C / H;
  const range = (count: number) => Array.from({ length: count }, (_, i) => i);
  const total = (values: Vector) => values.reduce((a, b) => a + b, 0);
  const plus = (a: Vector, b: Vector) => a.map((value, i) => value + b[i]);
  const row = (name: string, i: number, width: number) => [
    ...weights[name].data.subarray(i * width, (i + 1) * width),
  ];
  const norm = (name: string, x: Vector) => {
    const [gamma, beta] = [weights[`${name}.weight`].data, weights[`${name}.bias`].data];
    const mean = total(x) / C;
    const variance = total(x.map((value) => (value - mean) ** 2)) / C;
    return x.map((value, c) => ((value - mean) / Math.sqrt(variance + eps)) * gamma[c] + beta[c]);
  };
  /** x (K) · w (K,M) + b. */
  const linear = (name: string, x: Vector, M: number) =>
    range(M).map(
      (m) =>
        total(x.map((value, k) => value * weights[`${name}.weight`].data[k * M + m])) +
        weights[`${name}.bias`].data[m],
    );

  let x = ids.map((id, t) => plus(row("wte.weight", id, C), row("wpe.weight", t, C)));
  for (const i of range(layers)) {
    // `GPT2Attention.__init__` of transformers.
    let scaling = 1;
    if (config.scaleAttnWeights !== false) scaling = D ** -0.5;
    if (config.scaleAttnByInverseLayerIdx) scaling /= i + 1;
    const qkv = x.map((one) => linear(`h.${i}.attn.c_attn`, norm(`h.${i}.ln_1`, one), 3 * C));
    const head = (t: number, part: number, h: number) =>
      qkv[t].slice(part * C + h * D, part * C + (h + 1) * D);
    const attended = ids.map((_, t) =>
      range(H).flatMap((h) => {
        const scores = range(t + 1).map(
          (s) => scaling * total(head(t, 0, h).map((q, d) => q * head(s, 1, h)[d])),
        );
        const shares = scores.map((score) => Math.exp(score - Math.max(...scores)));
        return range(D).map((d) => total(shares.map((share, s) => share * head(s, 2, h)[d])) / total(shares));
      }),
    );
    x = x.map((one, t) => plus(one, linear(`h.${i}.attn.c_proj`, attended[t], C)));
    x = x.map((one) => {
      const hidden = linear(`h.${i}.mlp.c_fc`, norm(`h.${i}.ln_2`, one), inner).map(geluNew);
      return plus(one, linear(`h.${i}.mlp.c_proj`, hidden, C));
    });
  }
  const head = config.tied ? "wte.weight" : "lm_head.weight";
  return x.map((one) => {
    const read = norm("ln_f", one);
    return range(V).map((v) => total(row(head, v, C).map((w, c) => w * read[c])));
  });
}

/** Mean nats of the targets, one for each position. */
export function naiveLoss(
  weights: NaiveWeights,
  config: Gpt2Config,
  ids: readonly number[],
  targets: readonly number[],
): number {
  const nats = naiveLogits(weights, config, ids).map((logits, t) => {
    const max = Math.max(...logits);
    return max + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - max), 0)) - logits[targets[t]];
  });
  return nats.reduce((a, b) => a + b, 0) / nats.length;
}

function geluNew(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}
