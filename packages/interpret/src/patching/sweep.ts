/**
 * Many runs of one batch, each with another part of one tensor replaced. Runs of one layer go side by side as rows of a batch, and
 * begin at that layer: what is before it is the same in all of them.
 */
import { evaluate, expand, reshape, slice, stack, type Variable, where } from "@normless/autograd";
import { forward, type HookName, type HostTokens, type Model } from "@normless/gpt2";
import { enroll, scope, type Tensor } from "@normless/tensor";
import { freeAll } from "../run/cache.js";
import type { Metric } from "../run/gradients.js";
import { passBody } from "../run/pass.js";
import { withTokens } from "../run/tokens.js";
import { hookOf, placesOf, type PatchPlan } from "./points.js";

/** Tokens that are run side by side. */
const SWEEP_TOKENS = 512;

/** What a sweep is over. */
export interface Sweep {
  readonly model: Model;
  readonly batch: HostTokens;
  readonly metric: Metric;
  readonly plan: PatchPlan;
  /** What is put in the place of a layer's tensor; it broadcasts to its shape. It stays the caller's. */
  readonly source: (layer: number) => Tensor;
}

/** The metric of every patch, layer by layer. */
export async function sweep({ model, batch, metric, plan, source }: Sweep): Promise<Float64Array> {
  const { B, T } = batch;
  const starts = plan.layers.map((layer): HookName => `blocks.${layer}.hook_resid_pre`);
  const before = passBody(model, batch, { keep: starts });
  const places = placesOf(plan);
  const many = Math.max(1, Math.floor(SWEEP_TOKENS / (B * T)));
  const values: number[] = [];
  try {
    for (const layer of plan.layers) {
      for (let first = 0; first < places.length; first += many) {
        const some = places.slice(first, first + many);
        const x = before[`blocks.${layer}.hook_resid_pre`];
        using metrics = sideBySide({ model, batch, metric, plan }, layer, some, { x, source: source(layer) });
        values.push(...(await metrics.read()));
      }
    }
  } finally {
    freeAll(Object.values(before));
  }
  return Float64Array.from(values);
}

/** The metrics (n) of n patches of a layer, in one pass over n·B rows. */
function sideBySide(
  { model, batch, metric, plan }: Omit<Sweep, "source">,
  layer: number,
  places: readonly (readonly number[])[],
  { x, source }: { readonly x: Tensor; readonly source: Tensor },
): Tensor {
  const { config, params, norms } = model;
  const { B, T } = batch;
  const n = places.length;
  const inputs = new Int32Array(n * B * T);
  for (let i = 0; i < n; i++) inputs.set(batch.inputs, i * B * T);
  return scope(() => {
    const residual = repeated(x, n);
    const hook = (y: Variable) => {
      const [, ...rest] = y.shape;
      const apart = reshape(y, [n, B, ...rest]);
      return reshape(where(maskOf(plan, places, apart), source, apart), y.shape);
    };
    return withTokens(model, { inputs, B: n * B, T }, (tokens) =>
      evaluate((variables) => {
        const options = { hooks: { [hookOf(plan, layer)]: hook }, from: { layer, residual } };
        const logits = forward({ config, norms, params: variables }, tokens, options);
        return stack(places.map((_, i) => metric(slice(logits, 0, { start: i * B, end: (i + 1) * B }))));
      }, params),
    );
  });
}

/** x (B,T,C) n times, (n·B,T,C). */
function repeated(x: Tensor, n: number): Tensor {
  const [B, ...rest] = x.shape;
  return scope(() => reshape(expand(reshape(x, [1, B, ...rest]), [n, B, ...rest]), [n * B, ...rest]));
}

/** True at each patch's own place of a tensor (n,B,…); it broadcasts to that. */
function maskOf(
  { dims }: PatchPlan,
  places: readonly (readonly number[])[],
  { tape, shape }: Variable,
): Tensor {
  const [n] = shape;
  // One of n and B comes before the tensor's own dimensions, of which the first is B.
  const sizes = shape.map((size, d) => (d === 0 || dims.includes(d - 1) ? size : 1));
  const strides = sizes.map((_, d) => sizes.slice(d + 1).reduce((product, size) => product * size, 1));
  const mask = new Uint8Array(sizes.reduce((product, size) => product * size, 1));
  for (let i = 0; i < n; i++) {
    mask[places[i].reduce((at, index, axis) => at + index * strides[dims[axis] + 1], i * strides[0])] = 1;
  }
  return enroll(tape.backend.upload(mask, sizes));
}
