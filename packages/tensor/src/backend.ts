/**
 * The port that every engine implements, and the tensors that it makes: each of the two names the other. `run` enqueues in
 * order and returns at once; only `read` and `sync` wait, so that model code reads synchronously while a GPU stays
 * asynchronous.
 */
import type { DType, TensorData, TensorSpec } from "./dtype.js";
import { ShapeError } from "./errors.js";
import type { Contract, Operands } from "./kernels/contract.js";
import type { AttributesOf, Contracts, KernelName } from "./kernels/index.js";
import { nest, type NestedArray } from "./nested.js";
import type { Op } from "./op.js";
import { type Shape, showShape, sizeOf } from "./shape.js";

/** What a backend's tensors take. */
export interface MemoryUse {
  /** Bytes of tensors that are alive. */
  readonly liveBytes: number;
  /** The most that `liveBytes` has been. */
  readonly peakBytes: number;
  readonly liveTensors: number;
  /** The most that tensors and scratch memory can be together, where the backend has such a limit. */
  readonly limitBytes?: number;
}

/** Inputs of kernel `K`, by name, each an `X`. */
export type InputsOf<K extends KernelName, X = Tensor> =
  Contracts[K] extends Contract<infer I, infer P, infer _A, infer _O> ? Operands<I, P, X> : never;
/** Outputs of kernel `K`, by name, each an `X`. */
export type OutputsOf<K extends KernelName, X = Tensor> =
  Contracts[K] extends Contract<infer _I, infer _P, infer _A, infer O> ? { readonly [N in O]: X } : never;

/**
 * What runs kernels and holds tensors. Make one in an app, pass it in, and `dispose` of it. A tensor of another backend,
 * one that was freed, or memory that is full is a BackendError; operands that do not fit their kernel are a ShapeError.
 */
export interface Backend {
  /** Short and stable: `reference`, `wasm`. */
  readonly name: string;
  /** What really runs, for people: `wasm, relaxed SIMD, 2 threads`. */
  readonly description: string;
  /** Whether a read costs much more than the work it waits for, as from a device: then it pays to read seldom. */
  readonly asynchronous: boolean;
  /** The kinds of values that its tensors can have. */
  readonly dtypes: readonly DType[];
  /** Copies values in. Float64 data becomes float32 wherever the backend stores float32. */
  upload(data: TensorData, shape: Shape): Tensor;
  /** Overwrites the values of a tensor that exists (loading a checkpoint into a parameter); bfloat16 takes the nearest. */
  write(tensor: Tensor, data: TensorData): void;
  /**
   * Runs a kernel of the contract. An output that `into` names is **added** to that tensor and returned in its
   * place; every other output is a new tensor that the caller owns. Inputs that the contract lists under
   * `mutates` are changed in place. Throws ShapeError before anything runs.
   */
  run<K extends KernelName>(
    kernel: K,
    inputs: InputsOf<K>,
    attributes: AttributesOf<K>,
    into?: Partial<OutputsOf<K>>,
  ): OutputsOf<K>;
  /**
   * Runs an op of one's own (see `op`): by its own kernel where it has one for this engine, else on the host, which is said
   * once. Each output is a new tensor that the caller owns. Throws ShapeError before anything runs.
   */
  runOp<I extends string, P extends string, A, O extends string>(
    op: Op<I, P, A, O>,
    inputs: Operands<I, P, Tensor>,
    attributes: A,
  ): { readonly [N in O]: Tensor };
  /**
   * Another look at the same values, in a shape of as many: it copies nothing, and what changes one in place changes both.
   * The memory goes back when the last of them is freed. Throws ShapeError where the sizes differ.
   */
  reshape(tensor: Tensor, shape: Shape): Tensor;
  read(tensor: Tensor): Promise<TensorData>;
  /** The values of several tensors, in their order: on a GPU with one wait for all of them. */
  readMany(tensors: readonly Tensor[]): Promise<TensorData[]>;
  free(tensor: Tensor): void;
  /** Resolves when all that was enqueued is done. */
  sync(): Promise<void>;
  memory(): MemoryUse;
  /** Ends workers and gives all memory back; the backend and its tensors are unusable afterwards. */
  dispose(): Promise<void>;
}

/**
 * A tensor: shape, dtype and the backend that holds its values. It is not a maths object; ops are functions
 * (see @normless/autograd) and kernels (see ./kernels). Each backend makes its own subclass with its storage.
 */
export abstract class Tensor implements TensorSpec {
  readonly size: number;
  constructor(
    readonly backend: Backend,
    readonly shape: Shape,
    readonly dtype: DType,
  ) {
    this.size = sizeOf(shape);
  }
  /** True once it was freed; any further use is an error. */
  abstract readonly freed: boolean;
  /** Stands for the memory: tensors that are looks at the same values have the same one. */
  abstract readonly storage: object;

  /** All values, row-major, in an array of the caller's own. */
  read(): Promise<TensorData> {
    return this.backend.read(this);
  }
  /** The only value of a tensor of size 1. @throws ShapeError when it has another size */
  async item(): Promise<number> {
    if (this.size !== 1) {
      throw new ShapeError(
        "item",
        "needs exactly one value",
        { tensor: this.shape },
        "Use read() or array().",
      );
    }
    return (await this.read())[0];
  }
  /** The values as nested arrays, for looking at. */
  async array(): Promise<NestedArray> {
    return nest([...(await this.read())], this.shape);
  }
  /** Gives the memory back. Freeing twice is an error. */
  free(): void {
    this.backend.free(this);
  }
  /** What `using` calls at the end of its block: frees the tensor, unless that was done. */
  [Symbol.dispose](): void {
    if (!this.freed) this.free();
  }
  /** `Tensor float32 [2,3] on wasm`; its values have to be waited for: see `show`. */
  toString(): string {
    return `Tensor ${this.dtype} ${showShape(this.shape)} on ${this.backend.name}${this.freed ? ", freed" : ""}`;
  }
}
