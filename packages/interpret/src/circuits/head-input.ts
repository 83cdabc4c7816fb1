/** What one head reads of a text, taken apart: the parts of the residual before its block, and what its projections make of them. */
import type { HookName, Model, NormSite } from "@normless/gpt2";
import type { PositionClass } from "@normless/tensor";
import {
  addProduct,
  readPartWeights,
  readProjection,
  type PartWeights,
  type Projection,
} from "../parts/part-weights.js";
import { classAt } from "../parts/readout.js";
import {
  type Captured,
  capture,
  depthOf,
  namesForParts,
  type Part,
  partsAt,
  type ResidualName,
} from "../parts/residual-parts.js";
import { batchOf } from "../run/prompts.js";
import { type Divider, dividerOf } from "./through-norm.js";

/** A head by its block and its number, both from 0. */
export interface HeadPlace {
  readonly layer: number;
  readonly head: number;
}

/** @throws RangeError for a head that the model does not have */
export function checkHead({ config }: Pick<Model, "config">, { layer, head }: HeadPlace, what: string): void {
  const inside = (n: number, size: number) => Number.isInteger(n) && n >= 0 && n < size;
  if (inside(layer, config.layers) && inside(head, config.heads)) return;
  throw new RangeError(
    `${what}: there is no head ${layer}.${head}; the model has blocks 0 to ${config.layers - 1} with heads 0 to ${config.heads - 1}`,
  );
}

/** A text as a head reads it. */
export class HeadInput {
  readonly #projections = new Map<number, Projection>();
  private constructor(
    readonly model: Model,
    readonly ids: Int32Array,
    readonly place: HeadPlace,
    readonly captured: Captured,
    readonly weights: PartWeights,
  ) {}

  /** Runs the text and reads the parts before the head's block, and the tensors that are named beside. */
  static async read(
    model: Model,
    ids: readonly number[],
    place: HeadPlace,
    names: readonly HookName[],
  ): Promise<HeadInput> {
    const at: ResidualName = `blocks.${place.layer}.hook_resid_pre`;
    const all = new Set([...namesForParts(at), ...names]);
    const captured = await capture(model, batchOf(ids), [...all]);
    const weights = await readPartWeights(model, { layers: place.layer });
    return new HeadInput(model, Int32Array.from(ids), place, captured, weights);
  }

  /** Queries, keys or values of the head from the parts at a position. */
  async projected(third: 0 | 1 | 2, t: number): Promise<ProjectedParts> {
    const { layer } = this.place;
    const site: NormSite = `h.${layer}.ln_1:${third === 2 ? "v" : "qk"}`;
    const depth = depthOf(`blocks.${layer}.hook_resid_pre`);
    const written = [
      ...partsAt(this.model, this.weights, this.captured, { row: t, id: this.ids[t], t }, depth),
    ];
    return new ProjectedParts(
      written,
      dividerOf(this.model, site),
      classAt(this.model, this.ids, t),
      await this.#projection(third),
    );
  }

  /** Read once, whatever the positions. */
  async #projection(third: 0 | 1 | 2): Promise<Projection> {
    const found = this.#projections.get(third) ?? (await readHeadProjection(this.model, this.place, third));
    this.#projections.set(third, found);
    return found;
  }

  /** A row of a head's D values at a position, out of a tensor (1,T,H,D). */
  rowOf(name: HookName, t: number): Float64Array {
    const { channels: C, heads } = this.model.config;
    const D = C / heads;
    const from = t * C + this.place.head * D;
    return Float64Array.from(this.captured.tensors[name].subarray(from, from + D));
  }
}

/** Queries (0), keys (1) or values (2) of one head: weight (C,D), bias (D). */
export async function readHeadProjection(
  model: Model,
  { layer, head }: HeadPlace,
  third: 0 | 1 | 2,
): Promise<Projection> {
  const { channels: C, heads } = model.config;
  const { weight, bias } = await readProjection(model, layer, third);
  const D = C / heads;
  const columns = new Float64Array(C * D);
  for (let k = 0; k < C; k++) columns.set(weight.subarray(k * C + head * D, k * C + (head + 1) * D), k * D);
  return { weight: columns, bias: bias.subarray(head * D, (head + 1) * D) };
}

/** The parts of a residual through the norm and a head's projection: vectors (D) that add up to its query, key or value. */
export class ProjectedParts {
  /** The parts of the residual, and last what the text has no part in: the projection's bias, with beta's. */
  readonly parts: readonly Part[];
  /** (D) each */
  readonly vectors: readonly Float64Array[];
  readonly #without: (part: number) => Float64Array;

  constructor(
    written: readonly (Part & { readonly values: Float64Array })[],
    { std, divide }: Divider,
    position: PositionClass,
    { weight, bias }: Projection,
  ) {
    const D = bias.length;
    const project = (x: Float64Array, by: number) => {
      const y = new Float64Array(D);
      addProduct(y, divide(x, by), weight, 0);
      return y;
    };
    const whole = new Float64Array(written[0].values.length);
    for (const { values } of written) values.forEach((value, c) => (whole[c] += value));
    const by = std(whole, position);
    this.parts = [...written.map(({ values: _, ...part }): Part => part), { name: "bias", kind: "bias" }];
    this.vectors = [...written.map(({ values }) => project(values, by)), Float64Array.from(bias)];
    this.#without = (part) => {
      const rest = whole.map((x, c) => x - written[part].values[c]);
      return project(rest, std(rest, position)).map((x, d) => x + bias[d]);
    };
  }

  /** The query, key or value, (D). */
  get whole(): Float64Array {
    return this.vectors.reduce(
      (sum, vector) => sum.map((x, d) => x + vector[d]),
      new Float64Array(this.vectors[0].length),
    );
  }

  /** The same without one part of the residual, whose norm then divides by what is left: what leaving it out comes to. */
  without(part: number): Float64Array {
    return this.#without(part);
  }

  /** How many parts can be left out: all but the bias. */
  get written(): number {
    return this.parts.length - 1;
  }
}
