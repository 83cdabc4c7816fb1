/** What a kernel of this backend is given: operands and results as places in the engine's memory. */
import type { AttributesOf, DType, InputsOf, KernelName, OutputsOf, Shape } from "@normless/tensor";
import type { Engine } from "../engine.js";

/** An operand in the engine's memory, row-major. */
export interface Operand {
  /** In bytes from the start of the memory. */
  readonly pointer: number;
  readonly shape: Shape;
  readonly size: number;
  readonly dtype: DType;
}

/** An input: also whether a kernel has written it, which may not be done yet. */
export interface Input extends Operand {
  readonly computed: boolean;
}

/** An output in the engine's memory, row-major. */
export interface Result extends Operand {
  /** True: the result is added to what is there. Only for kernels that say `accumulates`. */
  readonly add: boolean;
}

/** How this backend does kernel `K`: jobs handed to the engine. */
export interface Implementation<K extends KernelName> {
  /** Whether it adds `into` by itself; otherwise it is given a temporary that is added afterwards. */
  readonly accumulates?: boolean;
  /** Needs so much scratch memory that there should not be twice as much: never runs beside another op. */
  readonly alone?: boolean;
  /** What can only be seen in the values (ids in range). Runs before anything is allocated. */
  check?(engine: Engine, inputs: InputsOf<K, Input>, attributes: AttributesOf<K>): void;
  run(
    engine: Engine,
    inputs: InputsOf<K, Operand>,
    attributes: AttributesOf<K>,
    outputs: OutputsOf<K, Result>,
  ): void;
}

/** Elements that one unit of an elementwise job handles (assembly/elementwise.ts). */
export const CHUNK = 16384;
/** Rows that one unit of a row-wise job handles (assembly/rows.ts). */
export const ROWS = 32;

/** Above this many values a row is cut into parts of half as many. */
export const LONG = 32768;

const float64 = new Float64Array(1);
const float32 = new Float32Array(2);
const words = new Int32Array(float64.buffer);
const word = new Int32Array(float32.buffer);

/** The two integers that a float64 argument is handed over as. */
export function wordsOf(value: number): readonly [number, number] {
  float64[0] = value;
  return [words[0], words[1]];
}

/** A value as it lies in memory; what is not 0 is true. */
export function bitsOf(value: number, dtype: DType): number {
  if (dtype === "bool") return value === 0 ? 0 : 1;
  if (dtype === "int32") return value | 0;
  float32[0] = value;
  return word[0];
}

export const unitsOf = (size: number, perUnit: number): number => Math.ceil(size / perUnit);
export const flag = (value: boolean | undefined): number => (value ? 1 : 0);
