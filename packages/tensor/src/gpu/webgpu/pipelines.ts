/** From a pass to a pipeline, once for each key: what the executor needs to record it. */
import { BackendError } from "../../errors.js";
import type { JsPass, WgslPass } from "../program.js";
import type { Faults } from "./faults.js";
import type { Translate, Translation } from "./gpujs.js";

/** A compiled kernel, and where its buffers and uniforms are bound. */
export interface Pipeline {
  readonly key: string;
  readonly id: number;
  readonly gpu: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  /** Where the buffers are bound, in the order of the pass, and where the uniforms. */
  readonly firstBuffer: number;
  readonly uniformBinding: number | undefined;
  readonly uniformBytes: number;
  /** Present for a kernel of gpu.js. */
  readonly translation?: Translation;
}

interface Source {
  readonly code: string;
  readonly access: readonly ("read" | "read_write")[];
  readonly firstBuffer: number;
  readonly uniformBinding: number | undefined;
  readonly uniformBytes: number;
  readonly translation?: Translation;
}

/** Compiled kernels by key: each is compiled once. */
export class Pipelines {
  readonly #byKey = new Map<string, Pipeline>();

  constructor(
    readonly device: GPUDevice,
    readonly faults: Faults,
    readonly translate: Translate | undefined,
  ) {}

  /** @throws BackendError when gpu.js refuses the kernel or more buffers are bound than the adapter takes. */
  of(pass: JsPass | WgslPass): Pipeline {
    const known = this.#byKey.get(pass.key);
    if (known) return known;
    const source = pass.kind === "wgsl" ? fromWgsl(pass) : fromJs(pass, this.translate);
    const limit = this.device.limits.maxStorageBuffersPerShaderStage;
    if (source.access.length > limit) {
      throw new BackendError(
        `webgpu: ${pass.key} binds ${source.access.length} buffers; this adapter takes ${limit}`,
      );
    }
    const made = this.#make(pass.key, source);
    this.#byKey.set(pass.key, made);
    return made;
  }

  #make(key: string, { code, access, ...rest }: Source): Pipeline {
    const { device } = this;
    return this.faults.watch(`compiling ${key}`, () => {
      const entries: GPUBindGroupLayoutEntry[] = access.map((mode, i) => ({
        binding: rest.firstBuffer + i,
        visibility: 4,
        buffer: { type: mode === "read" ? "read-only-storage" : "storage" },
      }));
      if (rest.uniformBinding !== undefined) {
        entries.push({
          binding: rest.uniformBinding,
          visibility: 4,
          buffer: { type: "uniform", hasDynamicOffset: true, minBindingSize: rest.uniformBytes },
        });
      }
      const layout = device.createBindGroupLayout({ label: key, entries });
      const gpu = device.createComputePipeline({
        label: key,
        layout: device.createPipelineLayout({ label: key, bindGroupLayouts: [layout] }),
        compute: { module: device.createShaderModule({ label: key, code }), entryPoint: "main" },
      });
      return { key, id: this.#byKey.size, gpu, layout, ...rest };
    });
  }
}

function fromWgsl({ code, binds, floats }: WgslPass): Source {
  return {
    code,
    access: binds.map(({ access }) => access),
    firstBuffer: 0,
    uniformBinding: floats.length > 0 ? binds.length : undefined,
    uniformBytes: Math.ceil(floats.length / 4) * 16,
  };
}

function fromJs(pass: JsPass, translate: Translate | undefined): Source {
  if (!translate) {
    throw new BackendError(
      `webgpu: ${pass.key} is a kernel of gpu.js, which is not installed. Install it: npm install gpu.js@2.24.1`,
    );
  }
  const translation = translate(pass);
  return {
    code: translation.code,
    access: [...pass.reads.map(() => "read" as const), "read_write"],
    firstBuffer: 1,
    uniformBinding: 0,
    uniformBytes: translation.uniformBytes,
    translation,
  };
}
