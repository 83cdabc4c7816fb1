/**
 * The port that every engine implements. `run` enqueues in order and returns at once; only `read` and `sync`
 * wait, so that model code reads synchronously while a GPU stays asynchronous.
 */
import type { AttributesOf, InputsOf, KernelName, OutputsOf } from "./kernels/index.js";
import type { Shape } from "./shape.js";
import type { Tensor, TensorData } from "./tensor.js";

export interface MemoryUse {
  /** Bytes of tensors that are alive. */
  readonly liveBytes: number;
  /** The most that `liveBytes` has been. */
  readonly peakBytes: number;
  readonly liveTensors: number;
  /** The most that tensors and scratch memory can be together, where the backend has such a limit. */
  readonly limitBytes?: number;
}

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
