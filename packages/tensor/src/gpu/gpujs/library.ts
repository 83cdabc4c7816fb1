/** gpu.js itself: the only file that loads it, with the parts of it that are used. */
import { BackendError } from "../../errors.js";

/** The release that the kernels are tested with; gpu.js changes what it compiles between releases. */
const VERSION = "2.24.1";

/** Modes of gpu.js that this package runs by calling it. */
export type GpuJsMode = "webasm" | "webgl2" | "headlessgl" | "cpu";

/** A kernel that gpu.js compiled; called with the values of its arguments. */
export interface CompiledKernel {
  (...operands: readonly unknown[]): unknown;
  /** The one that runs now: gpu.js may put another in its place. */
  readonly kernel: object;
  readonly fallbackReason: string | null;
  destroy(): void;
}
/** What is used of a `GPU` of gpu.js. */
export interface GpuJsDevice {
  /** The class of its kernels, with what the device can do. On GL, a texture's longest side. */
  readonly Kernel: { readonly features: { readonly maxTextureSize: number } };
  /** On GL, once there is a kernel. */
  readonly context: { finish(): void } | null;
  createKernel(source: string, settings: object): CompiledKernel;
  destroy(): Promise<void>;
}
/** What gpu.js exports. Not from its own types, which differ from what it does in places. */
export interface GpuJs {
  readonly GPU: {
    new (settings: { readonly mode: GpuJsMode }): GpuJsDevice;
    readonly isWebAssemblySupported: boolean;
    readonly isWebGL2Supported: boolean;
    readonly isHeadlessGLSupported: boolean;
  };
  readonly WebAssemblyKernel: unknown;
  readonly WebGL2Kernel: unknown;
  readonly HeadlessGLKernel: unknown;
  readonly CPUKernel: unknown;
  /** Flat values with the size, x first, that a kernel sees. */
  readonly Input: new (values: Float32Array, size: readonly number[]) => object;
}

/** @throws BackendError when gpu.js is not installed. */
export async function loadGpuJs(): Promise<GpuJs> {
  let module: object;
  try {
    module = await import("gpu.js");
  } catch (error) {
    throw new BackendError(
      `gpu: gpu.js does not load (${String(error)}). It is optional; install it: npm install gpu.js@${VERSION}`,
    );
  }
  // Its build for browsers exports a class that carries the rest; bundlers and Node differ in where they put it.
  const found: unknown = "GPU" in module ? module : "default" in module ? module.default : undefined;
  return found as GpuJs;
}

/** Why a mode cannot run here; undefined when it can. */
export function whyNot({ GPU }: GpuJs, mode: GpuJsMode): string | undefined {
  switch (mode) {
    case "cpu":
      return undefined;
    case "webasm":
      return GPU.isWebAssemblySupported ? undefined : "WebAssembly is missing";
    case "webgl2":
      return GPU.isWebGL2Supported
        ? undefined
        : "no WebGL 2 context can be had; it needs a browser with a GPU or a software renderer";
    case "headlessgl":
      return GPU.isHeadlessGLSupported
        ? undefined
        : "the npm package gl (an optional native build) is not installed, or there is no X server";
  }
}

/** The mode that a compiled kernel really runs in; its class says, since `mode` is "gpu" in all that use GL. */
export function modeOf(library: GpuJs, { kernel }: CompiledKernel): string {
  const classes: readonly (readonly [string, unknown])[] = [
    ["webasm", library.WebAssemblyKernel],
    ["webgl2", library.WebGL2Kernel],
    ["headlessgl", library.HeadlessGLKernel],
    ["cpu", library.CPUKernel],
  ];
  return classes.find(([, made]) => kernel.constructor === made)?.[0] ?? kernel.constructor.name;
}
