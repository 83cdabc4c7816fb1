/** What a case is, and helpers for making them. */
import type { InputsOf } from "../../backend.js";
import { type AttributesOf, contracts, type KernelName } from "../../kernels/index.js";
import type { AnyContract } from "../../run.js";
import type { View } from "../../kernels/contract.js";
import { toDType } from "../../dtype.js";
import { sizeOf } from "../../shape.js";
import { type Value, viewOf } from "../values.js";

/** Inputs and attributes of one run of kernel `K`. */
export interface Case<K extends KernelName> {
  readonly name: string;
  readonly inputs: InputsOf<K, Value>;
  readonly attributes: AttributesOf<K>;
  /** Relative to the output's largest value; the default is the suite's. */
  readonly tolerance?: number;
}

/** Cases for some of the kernels. */
export type CasesOf<K extends KernelName> = { readonly [N in K]: readonly Case<N>[] };

/** A case's name: sizes with × between them. */
export const label = (...sizes: (number | string)[]) => sizes.join("×");

/** An output of an earlier kernel that a gradient takes as input, by the naive loop, rounded to float32. */
export function forward(kernel: KernelName, inputs: Readonly<Record<string, Value>>, attributes: object) {
  const contract = contracts[kernel] as AnyContract;
  const outputs: Record<string, View> = {};
  const views = Object.fromEntries(Object.entries(inputs).map(([name, value]) => [name, viewOf(value)]));
  for (const [name, { shape, dtype }] of Object.entries(contract.infer(views, attributes))) {
    outputs[name] = { shape, dtype, data: toDType({ length: sizeOf(shape) }, dtype).fill(0) };
  }
  contract.naive(views, attributes, outputs);
  return (name: string): Value => outputs[name];
}
