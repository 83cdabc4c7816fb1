/** What turns kernels into Programs, and what runs those. */
import type { InputsOf, OutputsOf } from "../backend.js";
import type { TensorData } from "../dtype.js";
import type { AttributesOf, KernelName } from "../kernels/index.js";
import type { Operand, Program, Result } from "../passes.js";

export type { JsPass, Operand, Program, Read, Result, WgslPass } from "../passes.js";

/** How one kernel of the contract becomes a Program. Operands and outputs are buffers by their contract names. */
export type Build<K extends KernelName> = (
  operands: InputsOf<K, Operand>,
  attributes: AttributesOf<K>,
  outputs: OutputsOf<K, Result>,
) => Program;

/** What runs Programs on one device in one mode. */
export interface Executor<Handle> {
  /** The mode that really runs: webgpu, webgl2, webasm, headlessgl, cpu. */
  readonly mode: string;
  /** For people: mode and adapter. */
  readonly description: string;
  /** A CPU computes: SwiftShader, WARP, or a mode that has nothing to do with a GPU. */
  readonly software: boolean;
  /** It has no way to run the kernels of gpu.js: an op of one's own without WGSL is the host's. */
  readonly onlyWgsl?: boolean;
  /** `run` returns before the kernels have run. */
  readonly asynchronous: boolean;
  upload(data: TensorData): Handle;
  /** Runs the passes. An output whose `into` is given is added to it and its (possibly new) handle returned. */
  run(
    program: Program,
    operands: Readonly<Record<string, Handle>>,
    outputs: Readonly<Record<string, { readonly size: number; readonly into?: Handle }>>,
  ): {
    readonly outputs: Readonly<Record<string, Handle>>;
    /** New handles of mutated operands; the old ones are no longer valid. */
    readonly replaced: Readonly<Record<string, Handle>>;
  };
  read(handle: Handle, size: number): Promise<Float32Array>;
  /** Several at once, with one wait where that saves any. */
  readMany(buffers: readonly { readonly handle: Handle; readonly size: number }[]): Promise<Float32Array[]>;
  release(handle: Handle): void;
  sync(): Promise<void>;
  dispose(): Promise<void>;
}
