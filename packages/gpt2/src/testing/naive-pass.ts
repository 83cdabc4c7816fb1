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
  /** Every tensor that a hook sees of this one sequence, by the hook's name, row-major. */
  readonly tensors: Readonly<Record<string, Vector>>;
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
  const std = naiveScale(norm, x, position);
  const [gamma, beta] = [model.weights[`${module}.weight`].data, model.weights[`${module}.bias`].data];
  return x.map((value, c) => ((value - mean) / std) * gamma[c] + beta[c]);
}

/** What a norm divides x by, from its definition. @throws Error where it divides by nothing, or by several numbers */
export function naiveScale(norm: Norm, x: Vector, position: "first" | "eot" | "rest"): number {
  if (norm.kind === "frozen") return norm.std[position];
  if (norm.kind !== "standard") throw new Error(`a ${norm.kind} norm divides by no one number`);
  const mean = x.reduce((a, b) => a + b) / x.length;
  return Math.sqrt(x.reduce((sum, value) => sum + (value - mean) ** 2, 0) / x.length + norm.eps);
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
  const tensors: Record<string, Vector> = {
    hook_embed: ids.flatMap((id) => row("wte.weight", id)),
    hook_pos_embed: ids.flatMap((_, t) => row("wpe.weight", t)),
  };
  /** What a site divides by, and the residual centred and divided, of norms that have such a thing. */
  const keepNorm = (site: string, name: string, x: Vector[]) => {
    const { kind } = model.norms[site];
    if (kind !== "standard" && kind !== "frozen") return;
    const scales = x.map((one, t) => naiveScale(model.norms[site], one, positionOf(model, ids, t)));
    tensors[`${name}.hook_scale`] = scales;
    tensors[`${name}.hook_normalized`] = x.flatMap((one, t) => {
      const mean = one.reduce((a, b) => a + b) / C;
      return one.map((value) => (value - mean) / scales[t]);
    });
  };
  const attention: number[][][][] = [];
  const heads: Vector[][][] = [];
  let x = ids.map((id, t) => plus(row("wte.weight", id), row("wpe.weight", t)));
  for (let i = 0; i < layers; i++) {
    residuals[`h.${i}.ln_1`] = x;
    const block = `blocks.${i}`;
    tensors[`${block}.hook_resid_pre`] = x.flat();
    keepNorm(
      model.norms[`h.${i}.ln_1:qk`].kind === "folded" ? `h.${i}.ln_1:v` : `h.${i}.ln_1:qk`,
      `${block}.ln1`,
      x,
    );
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
    for (const [which, name, values] of [
      [0, "q", qk],
      [1, "k", qk],
      [2, "v", v],
    ] as const) {
      tensors[`${block}.attn.hook_${name}`] = values.flatMap((one) => one.slice(which * C, (which + 1) * C));
    }
    tensors[`${block}.attn.hook_attn_scores`] = Array.from({ length: H }, (_, h) =>
      ids.flatMap((_, t) =>
        ids.map((_, s) => {
          const [q, k] = [part(qk[t], 0, h), part(qk[s], 1, h)];
          return s > t ? -Infinity : q.reduce((sum, value, d) => sum + value * k[d], 0) * scaling(i);
        }),
      ),
    ).flat();
    tensors[`${block}.attn.hook_pattern`] = layer.flatMap((queries) =>
      queries.flatMap((shares) => ids.map((_, s) => shares[s] ?? 0)),
    );
    tensors[`${block}.attn.hook_z`] = ids.flatMap((_, t) => heads[i].flatMap((head) => head[t]));
    const projection = model.weights[`h.${i}.attn.c_proj.weight`].data;
    tensors[`${block}.attn.hook_result`] = ids.flatMap((_, t) =>
      heads[i].flatMap((head, h) =>
        Array.from({ length: C }, (_, c) =>
          head[t].reduce((sum, value, d) => sum + value * projection[(h * D + d) * C + c], 0),
        ),
      ),
    );
    const attended = ids.map((_, t) =>
      linear(
        model,
        heads[i].flatMap((head) => head[t]),
        `h.${i}.attn.c_proj`,
      ),
    );
    tensors[`${block}.hook_attn_out`] = attended.flat();
    x = x.map((one, t) => plus(one, attended[t]));
    residuals[`h.${i}.ln_2`] = x;
    tensors[`${block}.hook_resid_mid`] = x.flat();
    keepNorm(`h.${i}.ln_2`, `${block}.ln2`, x);
    const before = normed(`h.${i}.ln_2`, x).map((one) => linear(model, one, `h.${i}.mlp.c_fc`));
    tensors[`${block}.mlp.hook_pre`] = before.flat();
    const hidden = before.map((one) => one.map((value) => activation(value, gelu)));
    tensors[`${block}.mlp.hook_post`] = hidden.flat();
    const written = hidden.map((one) => linear(model, one, `h.${i}.mlp.c_proj`));
    tensors[`${block}.hook_mlp_out`] = written.flat();
    x = x.map((one, t) => plus(one, written[t]));
    tensors[`${block}.hook_resid_post`] = x.flat();
  }
  residuals["ln_f"] = x;
  keepNorm("ln_f", "ln_final", x);
  const logits = x.map((one, t) => naiveHead(model, one, positionOf(model, ids, t)));
  return { residuals, attention, heads, logits, tensors };
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
