/** What a kernel of this backend is given: operands and results as places in the engine's memory. */
import type { AttributesOf, DType, InputsOf, KernelName, OutputsOf, Shape } from "@normless/tensor";
import type { Engine } from "../engine.js";

/** An operand in the engine's memory, row-major. */
export interface Operand {
  /** Its address. */
  readonly pointer: number;
  readonly shape: Shape;
  readonly size: number;
  readonly dtype: DType;
}

/** An output in the engine's memory, row-major. */
export interface Result extends Operand {
  /** True: the result is added to what is there. Only for kernels that say `accumulates`. */
  readonly add: boolean;
}

/** How this backend does kernel `K`: calls of C. */
export interface Implementation<K extends KernelName> {
  /** Whether it adds `into` by itself; otherwise it is given a temporary that is added afterwards. */
  readonly accumulates?: boolean;
  /** What can only be seen in the values (ids in range). Runs before anything is allocated. */
  check?(engine: Engine, inputs: InputsOf<K, Operand>, attributes: AttributesOf<K>): void;
  run(
    engine: Engine,
    inputs: InputsOf<K, Operand>,
    attributes: AttributesOf<K>,
    outputs: OutputsOf<K, Result>,
  ): void;
}

/** As C has it. */
export const flag = (value: boolean | undefined): number => (value ? 1 : 0);
