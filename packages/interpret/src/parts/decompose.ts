/** The residual at a place in the model as what each component wrote into it, at any positions of a text. */
import type { Model } from "@normless/gpt2";
import { batchOf, positionIn } from "../run/prompts.js";
import { readPartWeights } from "./part-weights.js";
import {
  capture,
  depthOf,
  finalResidual,
  namesForParts,
  partsAt,
  type ResidualName,
  type Written,
} from "./residual-parts.js";

/** A residual taken apart. */
export interface Decomposition {
  readonly at: ResidualName;
  readonly positions: readonly DecomposedPosition[];
}

/** The same at one position. */
export interface DecomposedPosition {
  readonly position: number;
  /** What each part wrote, in the order of the model; the sum is the residual. */
  readonly parts: readonly Written[];
  /** (C), as the model has it. */
  readonly residual: Float64Array;
  /** max |Σ parts − residual| over the largest value of a part or of the residual. */
  readonly relativeDifference: number;
}

/** Which residual, and where. */
export interface DecomposeOptions {
  /** Default: after the last block. */
  readonly at?: ResidualName;
  /** Counted from the end where negative. Default: all. */
  readonly positions?: readonly number[];
  /** Each neuron of the MLPs is a part, in place of each MLP. */
  readonly neurons?: boolean;
}

/**
 * What embeddings, heads, MLPs (or their neurons) and biases wrote into the residual. Exact whatever the norms: no norm stands
 * between a component and the residual that it writes to.
 * @throws RangeError for no ids, a position outside of them, and a place that the model does not have
 */
export async function decompose(
  model: Model,
  ids: readonly number[],
  { at = finalResidual(model), positions, neurons = false }: DecomposeOptions = {},
): Promise<Decomposition> {
  const places = (positions ?? ids.map((_, t) => t)).map((position) =>
    positionIn(ids.length, position, "decompose"),
  );
  const captured = await capture(model, batchOf(ids), namesForParts(at, { neurons }));
  const depth = depthOf(at);
  const weights = await readPartWeights(model, { neurons, layers: depth.blocks + Number(depth.attention) });
  const C = model.config.channels;
  return {
    at,
    positions: places.map((t) => {
      const parts = [...partsAt(model, weights, captured, { row: t, id: ids[t], t }, depth)];
      const residual = Float64Array.from(captured.tensors[at].subarray(t * C, (t + 1) * C));
      const sum = new Float64Array(C);
      for (const { values } of parts) values.forEach((value, c) => (sum[c] += value));
      const gap = Math.max(...sum.map((value, c) => Math.abs(value - residual[c])));
      const largest = [...parts.map(({ values }) => values), residual].reduce(
        (most, values) => values.reduce((top, value) => Math.max(top, Math.abs(value)), most),
        0,
      );
      return { position: t, parts, residual, relativeDifference: gap === 0 ? 0 : gap / largest };
    }),
  };
}
