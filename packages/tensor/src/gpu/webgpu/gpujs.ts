/**
 * The one contact with gpu.js's insides on WebGPU: a kernel's JavaScript in, WGSL out. gpu.js's WebGPU kernel does all of its
 * translation before it asks for a device; a subclass whose asynchronous half does nothing stops there, so that
 * our executor can compile and record the kernel on its own device. The fields read here are private to gpu.js:
 * its version is pinned to 2.24.1, and gpujs.test.ts fails when they change.
 * Source: https://github.com/gpujs/gpu.js, src/backend/web-gpu/kernel.js
 */
import { BackendError } from "../../errors.js";
import { type GpuJs, loadGpuJs } from "../gpujs/library.js";
import type { JsPass } from "../program.js";

/** A kernel of gpu.js as WGSL: uniforms in binding 0, what it reads from 1 on, what it writes last. */
export interface Translation {
  readonly code: string;
  readonly workgroupSize: readonly [number, number, number];
  readonly uniformBytes: number;
  /** Byte offsets of each read buffer's dimensions, a vec4<u32>. */
  readonly dimsOffsets: readonly number[];
  /** Byte offsets of the floats. */
  readonly floatOffsets: readonly number[];
}
/** From a kernel of gpu.js to WGSL. @throws BackendError when gpu.js refuses it */
export type Translate = (pass: JsPass) => Translation;

interface InnerKernel {
  build(...args: unknown[]): Promise<void>;
  readonly compiledSource: string;
  readonly workgroupSize: readonly [number, number, number];
  readonly paramsLayout: {
    readonly arrayArgs: readonly { readonly dimsOffset: number }[];
    readonly scalarArgs: readonly { readonly offset: number }[];
    readonly byteLength: number;
  };
}
type KernelClass = new (source: string, settings: object) => InnerKernel;

/** Loads gpu.js, an optional peer. @throws BackendError when it is not there. */
export async function loadTranslator(): Promise<Translate> {
  const library = (await loadGpuJs()) as GpuJs & { readonly WebGPUKernel: KernelClass };
  const { WebGPUKernel } = library;
  class Translator extends WebGPUKernel {
    _buildAsync(): Promise<void> {
      return Promise.resolve();
    }
  }
  return (pass) => translate(Translator, pass);
}

function translate(Translator: KernelClass, pass: JsPass): Translation {
  const kernel = new Translator(pass.source, {
    output: [...pass.output],
    argumentTypes: [...pass.reads.map(() => "WebGPUBuffer"), ...pass.floats.map(() => "Float")],
    // Its default ends loops after 1,000 rounds without a word.
    loopMaxIterations: 2 ** 30,
  });
  try {
    void kernel.build(...pass.reads.map(() => [0]), ...pass.floats);
  } catch (cause) {
    throw new BackendError(`webgpu: gpu.js refuses ${pass.key}: ${String(cause)}`, { cause });
  }
  const { arrayArgs, scalarArgs, byteLength } = kernel.paramsLayout;
  return {
    code: kernel.compiledSource,
    workgroupSize: kernel.workgroupSize,
    uniformBytes: byteLength,
    dimsOffsets: arrayArgs.map(({ dimsOffset }) => dimsOffset),
    floatOffsets: scalarArgs.map(({ offset }) => offset),
  };
}

/**
 * Workgroups of a kernel, and its uniforms as gpu.js's own runner would set them. An output of one dimension is
 * folded over y where x alone would be over the device's limit.
 */
export function prepare(
  pass: JsPass,
  { workgroupSize: [wx, wy], dimsOffsets, floatOffsets }: Translation,
  sizes: readonly number[],
  maxGroups: number,
  uniforms: DataView,
): [number, number, number] {
  const [x, y = 1] = pass.output;
  const groups: [number, number, number] = [Math.ceil(x / wx), Math.ceil(y / wy), 1];
  if (pass.output.length === 1 && groups[0] > maxGroups) {
    groups[1] = Math.ceil(groups[0] / maxGroups);
    groups[0] = Math.ceil(groups[0] / groups[1]);
  }
  const u32 = (offset: number, value: number) => uniforms.setUint32(offset, value, true);
  u32(0, x);
  u32(4, y);
  u32(8, 1);
  u32(12, pass.output.length === 1 ? groups[0] * wx : 0);
  dimsOffsets.forEach((offset, i) => {
    const width = pass.reads[i].width ?? sizes[i];
    [width, Math.ceil(sizes[i] / width), 1, sizes[i]].forEach((size, j) => u32(offset + 4 * j, size));
  });
  floatOffsets.forEach((offset, i) => uniforms.setFloat32(offset, pass.floats[i], true));
  return groups;
}
