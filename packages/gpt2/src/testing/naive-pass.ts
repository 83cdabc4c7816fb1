/** GPT-2 once more, in plain loops over float64 rows of one sequence: the oracle of what the measures look at. */
import type { HostModel, WeightsInMemory } from "../index.js";
import { kindOf, type Norm } from "@normless/layernorm";

type Vector = number[];

/** Everything that passes in one sequence, as plain numbers. */
export interface NaivePass {
  /** By norm module: the residual of every position. */
  readonly residuals: Readonly<Record<string, Vector[]>>;
  /** By layer, head and query: attention to every key up to the query. */
  readonly attention: number[][][][];
  /** By layer, head and position: the head's output, before c_proj. */
  readonly heads: Vector[][][];
  readonly logits: Vector[];
}

/** x + y. */
export const plus = (x: Vector, y: Vector): Vector => x.map((value, i) => value + y[i]);
/** x − y. */
export const minus = (x: Vector, y: Vector): Vector => x.map((value, i) => value - y[i]);

/** Of one row of scores. */
export function softmax(scores: readonly number[]): number[] {
  const max = Math.max(...scores);
  const sum = scores.reduce((total, score) => total + Math.exp(score - max), 0);
  return scores.map((score) => Math.exp(score - max) / sum);
}

/** y = x·w + b; w (K,M) or, transposed, (M,K). */
export function linear(
  model: HostModel<WeightsInMemory>,
  x: Vector,
  name: string,
  transposed = false,
): Vector {
  const { data, shape } = model.weights[`${name}.weight`];
  const bias = model.weights[`${name}.bias`] as { data: Float32Array } | undefined;
  const M = transposed ? shape[0] : shape[1];
  return Array.from({ length: M }, (_, m) =>
    x.reduce(
      (sum, value, k) => sum + value * data[transposed ? m * shape[1] + k : k * M + m],
      bias?.data[m] ?? 0,
    ),
  );
}

/** x through the norm of a site, `first` and `eot` saying what the position is. @throws Error when it is tapered */
export function naiveNorm(
  model: HostModel<WeightsInMemory>,
  norm: Norm,
  module: string,
  x: Vector,
  position: "first" | "eot" | "rest",
): Vector {
  if (norm.kind === "folded") return x;
  if (norm.kind === "tapered") throw new Error("no finished model has a tapered norm");
  if (norm.kind === "own") throw new Error(`the norm at ${module} is ${kindOf(norm)}: it has no loop here`);
  const mean = x.reduce((a, b) => a + b) / x.length;
  const variance = x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length;
  const std = norm.kind === "standard" ? Math.sqrt(variance + norm.eps) : norm.std[position];
  const [gamma, beta] = [model.weights[`${module}.weight`].data, model.weights[`${module}.bias`].data];
  return x.map((value, c) => ((value - mean) / std) * gamma[c] + beta[c]);
}

/** The position class of token `t` of a sequence. */
export function positionOf(
  model: HostModel<WeightsInMemory>,
  ids: readonly number[],
  t: number,
): "first" | "eot" | "rest" {
  if (t === 0) return "first";
  return ids[t] === model.config.eot ? "eot" : "rest";
}

/** Logits of one final residual. */
export function naiveHead(
  model: HostModel<WeightsInMemory>,
  x: Vector,
  position: "first" | "eot" | "rest",
): Vector {
  const z = naiveNorm(model, model.norms["ln_f"], "ln_f", x, position);
  return linear(model, z, "lm_head.weight" in model.weights ? "lm_head" : "wte", true);
}

/** A forward pass of any finished model over one sequence, in plain loops. */
export function naivePass(model: HostModel<WeightsInMemory>, ids: readonly number[]): NaivePass {
  const { channels: C, heads: H, layers, gelu } = model.config;
  const D = C / H;
  const { scaleAttnWeights = true, scaleAttnByInverseLayerIdx = false } = model.config;
  const scaling = (layer: number) =>
    (scaleAttnWeights ? 1 / Math.sqrt(D) : 1) / (scaleAttnByInverseLayerIdx ? layer + 1 : 1);
  const row = (name: string, i: number) => [...model.weights[name].data.subarray(i * C, (i + 1) * C)];
  const normed = (site: string, x: Vector[]) =>
    x.map((one, t) =>
      naiveNorm(model, model.norms[site], site.replace(/:.*/, ""), one, positionOf(model, ids, t)),
    );
  const residuals: Record<string, Vector[]> = {};
  const attention: number[][][][] = [];
  const heads: Vector[][][] = [];
  let x = ids.map((id, t) => plus(row("wte.weight", id), row("wpe.weight", t)));
  for (let i = 0; i < layers; i++) {
    residuals[`h.${i}.ln_1`] = x;
    const project = (site: string) => normed(site, x).map((one) => linear(model, one, `h.${i}.attn.c_attn`));
    const [qk, v] = [project(`h.${i}.ln_1:qk`), project(`h.${i}.ln_1:v`)];
    const part = (values: Vector, which: number, h: number) =>
      values.slice(which * C + h * D, which * C + (h + 1) * D);
    attention.push(
      Array.from({ length: H }, (_, h) =>
        ids.map((_, t) =>
          softmax(
            qk.slice(0, t + 1).map((key) => {
              const [q, k] = [part(qk[t], 0, h), part(key, 1, h)];
              return q.reduce((sum, value, d) => sum + value * k[d], 0) * scaling(i);
            }),
          ),
        ),
      ),
    );
    const layer = attention[i];
    heads.push(
      layer.map((queries, h) =>
        queries.map((shares) =>
          shares.reduce<Vector>(
            (sum, share, s) =>
              plus(
                sum,
                part(v[s], 2, h).map((value) => share * value),
              ),
            new Array<number>(D).fill(0),
          ),
        ),
      ),
    );
    x = x.map((one, t) =>
      plus(
        one,
        linear(
          model,
          heads[i].flatMap((head) => head[t]),
          `h.${i}.attn.c_proj`,
        ),
      ),
    );
    residuals[`h.${i}.ln_2`] = x;
    const hidden = normed(`h.${i}.ln_2`, x).map((one) =>
      linear(model, one, `h.${i}.mlp.c_fc`).map((value) => activation(value, gelu)),
    );
    x = x.map((one, t) => plus(one, linear(model, hidden[t], `h.${i}.mlp.c_proj`)));
  }
  residuals["ln_f"] = x;
  const logits = x.map((one, t) => naiveHead(model, one, positionOf(model, ids, t)));
  return { residuals, attention, heads, logits };
}

function activation(x: number, gelu: "tanh" | "none"): number {
  if (gelu === "tanh") return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  return 0.5 * x * (1 + erf(x / Math.SQRT2));
}

/** By its series, which loses its digits where erf is 1 but for 1e-12. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let [sum, term] = [0, x];
  for (let n = 0; n < 200; n++) {
    sum += term / (2 * n + 1);
    term *= -(x * x) / (n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
