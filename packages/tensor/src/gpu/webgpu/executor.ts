/**
 * Runs Programs on a GPUDevice. Passes are recorded into one command encoder, which is submitted when someone waits or
 * when it has grown long; buffers, pipelines and bind groups are kept, so that a second step creates nothing.
 * WebGPU runs dispatches of one queue as if one after the other, so a buffer may be given to the next op at once.
 * All values are float32 on the device: int32 tensors and tables arrive as whole numbers, exact below 2^24.
 */
import type { TensorData } from "../../dtype.js";
import { BackendError } from "../../errors.js";
import { sizeOf } from "../../shape.js";
import type { Executor, JsPass, Program, WgslPass } from "../program.js";
import { BufferPool, type Region } from "./buffers.js";
import type { OpenedDevice } from "./device.js";
import { Faults } from "./faults.js";
import { prepare, type Translate } from "./gpujs.js";
import { type Pipeline, Pipelines } from "./pipelines.js";
import { Recorder } from "./recorder.js";

const ADD: WgslPass = {
  kind: "wgsl",
  key: "add into",
  code: `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 256;
  if (i < arrayLength(&y)) { y[i] += x[i]; }
}`,
  binds: [
    { name: "x", access: "read" },
    { name: "y", access: "read_write" },
  ],
  floats: [],
  workgroups: [1, 1, 1],
};

/** Runs programs on a WebGPU device: passes in WGSL as they are, those of gpu.js translated. */
export class WebGpuExecutor implements Executor<Region> {
  readonly mode = "webgpu";
  readonly asynchronous = true;
  readonly software: boolean;
  readonly onlyWgsl: boolean;
  readonly #opened: OpenedDevice;
  readonly #faults: Faults;
  readonly #pool: BufferPool;
  readonly #pipelines: Pipelines;
  readonly #recorder: Recorder;
  readonly #maxGroups: number;
  /** By the id of the buffer that it was made of, at that buffer's version. */
  readonly #derived = new Map<
    number,
    { readonly key: string; readonly version: number; readonly region: Region }
  >();
  #disposed = false;

  /** Without `translate`, programs with kernels of gpu.js are refused. */
  constructor(
    opened: OpenedDevice,
    readonly description: string = `webgpu, ${opened.adapter}`,
    translate?: Translate,
  ) {
    const { device } = opened;
    this.software = opened.fallback;
    this.onlyWgsl = !translate;
    this.#opened = opened;
    this.#faults = new Faults(device);
    this.#pool = new BufferPool(device, this.#faults);
    this.#pipelines = new Pipelines(device, this.#faults, translate);
    this.#recorder = new Recorder(device, this.#faults);
    this.#maxGroups = device.limits.maxComputeWorkgroupsPerDimension;
  }

  /** Bytes that the device holds for us, in use or waiting. */
  get allocatedBytes(): number {
    return this.#pool.allocatedBytes;
  }

  upload(data: TensorData): Region {
    this.#alive("upload");
    const values = data instanceof Float32Array ? data : Float32Array.from(data);
    const region = this.#take(values.length, "an upload");
    this.#recorder.write(region.buffer, values);
    return region;
  }

  run(
    program: Program,
    operands: Readonly<Record<string, Region>>,
    outputs: Readonly<Record<string, { readonly size: number; readonly into?: Region }>>,
  ) {
    this.#alive("run");
    const named = new Map(Object.entries(operands));
    const taken = new Map<string, Region>();
    const take = (name: string, size: number) => {
      const region = this.#take(size, name);
      taken.set(name, region);
      named.set(name, region);
      return region;
    };
    try {
      for (const [name, { size, into }] of Object.entries(outputs)) {
        if (into && program.adds?.includes(name)) {
          for (const operand of aliases(operands, into)) this.#copyInto(take(operand, into.bytes / 4), into);
          named.set(name, into);
        } else take(name, size);
      }
      for (const [name, size] of Object.entries(program.temporaries ?? {})) take(name, size);
      for (const [name, data] of Object.entries(program.tables ?? {})) {
        const region = this.upload(data);
        taken.set(name, region);
        named.set(name, region);
      }
      for (const [name, made] of Object.entries(program.derived ?? {})) {
        named.set(name, this.#derive(name, made.size, regionOf(named, made.of, made.pass.key), made.pass));
      }
      for (const pass of program.passes) {
        // A kernel of gpu.js says itself how large the buffer is that it makes.
        if (pass.kind === "gpu.js" && !named.has(pass.writes)) take(pass.writes, sizeOf(pass.output));
        this.#record(pass, named);
      }

      const results: Record<string, Region> = {};
      for (const [name, { into }] of Object.entries(outputs)) {
        const region = regionOf(named, name, "an output");
        results[name] = into ?? region;
        if (into && into !== region) this.#addInto(region, into);
        if (!into) taken.delete(name);
      }
      const replaced: Record<string, Region> = {};
      for (const [operand, temporary] of Object.entries(program.replaces ?? {})) {
        replaced[operand] = regionOf(named, temporary, "a replacement");
        taken.delete(temporary);
        this.#give(operands[operand]);
      }
      return { outputs: results, replaced };
    } finally {
      for (const region of taken.values()) this.#give(region);
    }
  }

  async read(handle: Region, size: number): Promise<Float32Array> {
    return (await this.readMany([{ handle, size }]))[0];
  }

  async readMany(
    buffers: readonly { readonly handle: Region; readonly size: number }[],
  ): Promise<Float32Array[]> {
    this.#alive("read");
    for (const { handle, size } of buffers) {
      if (size * 4 > handle.bytes)
        throw new BackendError(`webgpu: read of ${size} values from ${handle.bytes} bytes`);
    }
    const parts = buffers.map(({ handle, size }) => ({ buffer: handle.buffer, bytes: size * 4 }));
    const values = await this.#recorder.read(parts).catch(async (error: unknown) => {
      await this.#faults.check();
      throw error;
    });
    await this.#faults.check();
    return values;
  }

  release(region: Region): void {
    if (!this.#disposed) this.#give(region);
  }

  async sync(): Promise<void> {
    this.#alive("sync");
    this.#recorder.submit();
    await this.#opened.device.queue.onSubmittedWorkDone();
    await this.#faults.check();
    if (this.#pool.age()) this.#recorder.forget();
  }

  dispose(): Promise<void> {
    if (this.#disposed) return Promise.resolve();
    this.#disposed = true;
    this.#faults.close();
    this.#pool.clear();
    this.#recorder.dispose();
    if (this.#opened.owned) this.#opened.device.destroy();
    return Promise.resolve();
  }

  #alive(use: string): void {
    if (this.#disposed) throw new BackendError(`${use}: this webgpu backend was disposed`);
    this.#faults.throwFirst();
  }

  #take(size: number, what: string): Region {
    const bytes = Math.max(4, size * 4);
    return { buffer: this.#pool.take(bytes, what), bytes };
  }

  /** Gives a buffer back, and what was made of it. */
  #give({ buffer }: Region): void {
    const derived = this.#derived.get(buffer.id);
    if (derived) this.#pool.give(derived.region.buffer);
    this.#derived.delete(buffer.id);
    this.#pool.give(buffer);
  }

  /** What `pass` makes of a buffer: the kept one, unless the buffer has other values since. */
  #derive(name: string, size: number, of: Region, pass: WgslPass): Region {
    const { id, version } = of.buffer;
    const kept = this.#derived.get(id);
    if (kept?.key === pass.key && kept.version === version) return kept.region;
    if (kept) this.#pool.give(kept.region.buffer);
    const region = this.#take(size, name);
    this.#derived.set(id, { key: pass.key, version, region });
    const named = new Map(pass.binds.map((bind) => [bind.name, bind.name === name ? region : of]));
    this.#record(pass, named);
    return region;
  }

  #copyInto(to: Region, from: Region): void {
    this.#recorder.copy(from.buffer, to.buffer, from.bytes);
  }

  #addInto(from: Region, into: Region): void {
    const groups = Math.ceil(from.bytes / 4 / 256);
    const y = Math.ceil(groups / this.#maxGroups);
    const named = new Map([
      ["x", from],
      ["y", into],
    ]);
    this.#record({ ...ADD, workgroups: [Math.ceil(groups / y), y, 1] }, named);
  }

  #record(pass: JsPass | WgslPass, named: ReadonlyMap<string, Region>): void {
    const names =
      pass.kind === "wgsl"
        ? pass.binds.map(({ name }) => name)
        : [...pass.reads.map(({ name }) => name), pass.writes];
    const regions = names.map((name) => regionOf(named, name, pass.key));
    refuseAliases(pass, names, regions);
    regions.forEach(({ buffer }, i) => {
      if (writes(pass, i)) buffer.version += 1;
    });
    const pipeline = this.#pipelines.of(pass);
    const uniforms = this.#recorder.uniforms(pipeline.uniformBytes);
    const groups = this.#uniformsAndGroups(pass, pipeline, regions, uniforms.view);
    if (groups.some((count) => count > this.#maxGroups)) {
      throw new BackendError(
        `webgpu: ${pass.key} needs ${groups.join("×")} workgroups; this adapter allows ${this.#maxGroups} a dimension`,
      );
    }
    if (groups.every((count) => count > 0))
      this.#recorder.dispatch(pipeline, regions, uniforms.offset, groups);
  }

  #uniformsAndGroups(
    pass: JsPass | WgslPass,
    { translation }: Pipeline,
    regions: readonly Region[],
    view: DataView,
  ): readonly [number, number, number] {
    if (pass.kind === "gpu.js" && translation) {
      const sizes = regions.map(({ bytes }) => bytes / 4);
      return prepare(pass, translation, sizes, this.#maxGroups, view);
    }
    pass.floats.forEach((value, i) => view.setFloat32(i * 4, value, true));
    return pass.kind === "wgsl" ? pass.workgroups : [0, 0, 0];
  }
}

/** Operands that an output is added to: what the op reads of them must stay as it was, so it reads a copy. */
function aliases(operands: Readonly<Record<string, Region>>, into: Region): string[] {
  return Object.keys(operands).filter((name) => operands[name].buffer === into.buffer);
}

/** WebGPU lets no dispatch write a buffer that it binds a second time. */
function refuseAliases(pass: JsPass | WgslPass, names: readonly string[], regions: readonly Region[]): void {
  for (const [i, { buffer }] of regions.entries()) {
    const other = regions.findIndex((region) => region.buffer === buffer);
    if (other === i || !(writes(pass, i) || writes(pass, other))) continue;
    throw new BackendError(
      `webgpu: ${pass.key} writes ${names[i]} or ${names[other]}, which are one tensor. Give it two tensors.`,
    );
  }
}

function writes(pass: JsPass | WgslPass, i: number): boolean {
  return pass.kind === "wgsl" ? pass.binds[i].access === "read_write" : i === pass.reads.length;
}

function regionOf(named: ReadonlyMap<string, Region>, name: string, user: string): Region {
  const region = named.get(name);
  if (!region)
    throw new BackendError(`webgpu: ${user} names the buffer ${name}, which the program does not have`);
  return region;
}
