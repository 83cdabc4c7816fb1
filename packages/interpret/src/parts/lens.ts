/**
 * The logit lens (nostalgebraist 2020): what the head makes of the residual on its way. Where the norm before the head is
 * frozen or folded the head is affine, and the lens of a block less that of the block before is exactly what the block wrote
 * into the logits. A LayerNorm divides each residual by its own std, so the steps are no attributions; `offBy` says how far
 * each lens is from the affine one, which divides by the std of the final residual.
 */
import { evaluate, indexSelect, rowStd, unsqueeze } from "@normless/autograd";
import { type Model, unembed } from "@normless/gpt2";
import { positionClasses } from "@normless/layernorm";
import { enroll, scope, type Tensor, type TensorData } from "@normless/tensor";
import { freeAll } from "../run/cache.js";
import { passBody } from "../run/pass.js";
import { batchOf, positionIn } from "../run/prompts.js";
import { nonlinear } from "./exactness.js";
import { finalResidual, type ResidualName } from "./residual-parts.js";

/** The residuals on the way, each as logits. */
export interface Lens {
  readonly positions: readonly number[];
  /** Whether steps from one row to the next are what was written in between. */
  readonly exact: boolean;
  /** In the order of the model; the last are its own logits. */
  readonly rows: readonly LensRow[];
}

/** One of them. */
export interface LensRow {
  readonly at: ResidualName;
  /** (P,V), a row of logits for each position. */
  readonly logits: TensorData;
  /** max |logits − affine ones| / max |affine ones|; 0 where the lens is exact. */
  readonly offBy: number;
}

/** Which residuals, and where. */
export interface LensOptions {
  /** Counted from the end where negative. Default: the last. */
  readonly positions?: readonly number[];
  /** The residual between attention and MLP of each block, too. */
  readonly middle?: boolean;
  /** Refuses a model with a LayerNorm before the head. */
  readonly exact?: boolean;
}

/** @throws RangeError for no ids, a position outside of them, and an exact form where there is none */
export async function logitLens(
  model: Model,
  ids: readonly number[],
  { positions = [-1], middle = false, exact = false }: LensOptions = {},
): Promise<Lens> {
  const batch = batchOf(ids);
  const places = positions.map((position) => positionIn(batch.T, position, "logitLens"));
  const linear = nonlinear(model, ["ln_f"], "logitLens", exact).length === 0;
  const names: ResidualName[] = [];
  for (let i = 0; i < model.config.layers; i++) {
    names.push(`blocks.${i}.hook_resid_pre`);
    if (middle) names.push(`blocks.${i}.hook_resid_mid`);
  }
  names.push(finalResidual(model));
  const classes = positionClasses(batch.inputs, { B: 1, T: batch.T, eot: model.config.eot });
  const head = { model, classes: Int32Array.from(places, (t) => classes[t]) };
  const kept = passBody(model, batch, { keep: names });
  const final = kept[finalResidual(model)];
  const rows: LensRow[] = [];
  for (const at of names) {
    const logits = await take(headOfRows(head, rowsAt(kept[at], places)));
    const norm = model.norms["ln_f"];
    // Of a norm that is no LayerNorm, nor linear, there is no affine form to hold it against.
    let offBy = linear ? 0 : NaN;
    if (norm.kind === "standard")
      offBy = apart(
        logits,
        await take(
          headOfRows(head, rowsAt(kept[at], places), { rows: rowsAt(final, places), eps: norm.eps }),
        ),
      );
    rows.push({ at, logits, offBy });
  }
  freeAll(Object.values(kept));
  return { positions: places, exact: linear, rows };
}

/** Rows (1,P,C) of a residual (1,T,C). */
function rowsAt(x: Tensor, places: readonly number[]): Tensor {
  return scope(() => indexSelect(x, 1, enroll(x.backend.upload(Int32Array.from(places), [places.length]))));
}

/** Logits (1,P,V) of rows, which go; with `scaledAs`, divided by the stds of those in place of their own. */
function headOfRows(
  { model: { config, params, norms }, classes }: { readonly model: Model; readonly classes: Int32Array },
  x: Tensor,
  scaledAs?: { readonly rows: Tensor; readonly eps: number },
): Tensor {
  return scope(() => {
    const { backend } = x;
    const ids = enroll(backend.upload(new Int32Array(classes.length), [1, classes.length]));
    const tokens = { ids, positions: ids, classes: enroll(backend.upload(classes, [1, classes.length])) };
    const scale = scaledAs && unsqueeze(rowStd(scaledAs.rows, scaledAs.eps), -1);
    const hooks = scale ? { "ln_final.hook_scale": () => scale } : {};
    const logits = evaluate((variables) => {
      const { tape } = variables["wte.weight"];
      return unembed({ config, norms, params: variables }, tape.constant(x), tokens, { hooks });
    }, params);
    freeAll([x, ...(scaledAs ? [scaledAs.rows] : [])]);
    return logits;
  });
}

async function take(tensor: Tensor): Promise<TensorData> {
  const values = await tensor.read();
  tensor.free();
  return values;
}

function apart(values: ArrayLike<number>, wanted: ArrayLike<number>): number {
  let [gap, largest] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    gap = Math.max(gap, Math.abs(values[i] - wanted[i]));
    largest = Math.max(largest, Math.abs(wanted[i]));
  }
  return gap === 0 ? 0 : gap / largest;
}
