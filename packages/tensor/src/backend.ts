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
import { type Shape, sizeOf } from "./shape.js";

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
  /** Copies values in. Float64 data becomes float32 wherever the backend stores float32. */
  upload(data: TensorData, shape: Shape): Tensor;
  /** Overwrites the values of a tensor that exists (loading a checkpoint into a parameter). */
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
  /** True once its memory went back to the backend; any further use is an error. */
  abstract readonly freed: boolean;

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
}
