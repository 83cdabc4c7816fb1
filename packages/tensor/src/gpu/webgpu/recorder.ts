/** The command encoder of the moment, with the uniforms of its dispatches, cached bind groups and staging for reads. */
import { type DeviceBuffer, type Region, sizeClass } from "./buffers.js";
import type { Faults } from "./faults.js";
import type { Pipeline } from "./pipelines.js";

/** Submitted when it has grown to this many dispatches, so that the device works while the host records on. */
const LONG = 256;
const RING_BYTES = 1 << 18;
const MOST_BIND_GROUPS = 1 << 14;
// Of GPUBufferUsage: MAP_READ | COPY_DST, UNIFORM | COPY_DST.
const STAGING = 0x09;
const UNIFORM = 0x48;
const MAP_READ = 1;

/** Records dispatches, and submits them when they are many or somebody waits for them. */
export class Recorder {
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  /** Of the dispatches recorded, for errors. */
  #kernels: string[] = [];
  #submission = 0;
  /** Uniforms are written here and copied to the device at submission, in the queue's order. */
  readonly #ring = new ArrayBuffer(RING_BYTES);
  readonly #ringBuffer: GPUBuffer;
  readonly #alignment: number;
  #ringUsed = 0;
  readonly #bindGroups = new Map<string, GPUBindGroup>();
  readonly #staging: { readonly buffer: GPUBuffer; readonly bytes: number }[] = [];

  constructor(
    readonly device: GPUDevice,
    readonly faults: Faults,
  ) {
    this.#alignment = device.limits.minUniformBufferOffsetAlignment;
    this.#ringBuffer = device.createBuffer({ label: "uniforms", size: RING_BYTES, usage: UNIFORM });
  }

  /** Room for a dispatch's uniforms; fill it before `dispatch`. */
  uniforms(bytes: number): { readonly view: DataView; readonly offset: number } {
    if (this.#ringUsed + bytes > RING_BYTES) this.submit();
    const offset = this.#ringUsed;
    this.#ringUsed += Math.ceil(bytes / this.#alignment) * this.#alignment;
    return { view: new DataView(this.#ring, offset, bytes), offset };
  }

  dispatch(
    pipeline: Pipeline,
    regions: readonly Region[],
    offset: number,
    groups: readonly [number, number, number],
  ): void {
    const bindGroup = this.#bindGroup(pipeline, regions);
    this.#pass ??= this.#commands().beginComputePass();
    this.#pass.setPipeline(pipeline.gpu);
    this.#pass.setBindGroup(0, bindGroup, pipeline.uniformBinding === undefined ? [] : [offset]);
    this.#pass.dispatchWorkgroups(...groups);
    for (const { buffer } of regions) buffer.usedIn = this.#submission;
    this.#kernels.push(pipeline.key);
    if (this.#kernels.length >= LONG) this.submit();
  }

  copy(from: DeviceBuffer, to: DeviceBuffer, bytes: number): void {
    this.#endPass();
    this.#commands().copyBufferToBuffer(from.gpu, 0, to.gpu, 0, bytes);
    from.usedIn = to.usedIn = this.#submission;
  }

  /** Writes happen at once, so what is recorded and still needs the buffer's old values goes first. */
  write(buffer: DeviceBuffer, values: Float32Array): void {
    if (buffer.usedIn === this.#submission) this.submit();
    // The DOM's types have no shared memory here; devices take it.
    const source = values as Float32Array<ArrayBuffer>;
    this.faults.watch("writing to the device", () => {
      this.device.queue.writeBuffer(buffer.gpu, 0, source);
    });
  }

  submit(): void {
    this.#endPass();
    const encoder = this.#encoder;
    if (!encoder) {
      this.#ringUsed = 0;
      return;
    }
    const kernels = this.#kernels;
    const what = kernels.length > 0 ? `running ${[...new Set(kernels)].join("; ")}` : "copying";
    this.faults.watch(what, () => {
      if (this.#ringUsed > 0)
        this.device.queue.writeBuffer(this.#ringBuffer, 0, this.#ring, 0, this.#ringUsed);
      this.device.queue.submit([encoder.finish()]);
    });
    this.#encoder = undefined;
    this.#ringUsed = 0;
    this.#kernels = [];
    this.#submission += 1;
  }

  /** Copies of all, by way of one buffer that is mapped once. */
  async read(regions: readonly Region[]): Promise<Float32Array[]> {
    const total = regions.reduce((sum, { bytes }) => sum + bytes, 0);
    if (total === 0) return regions.map(() => new Float32Array());
    const staging = this.#takeStaging(sizeClass(total));
    this.#endPass();
    let at = 0;
    for (const { buffer, bytes } of regions) {
      if (bytes > 0) this.#commands().copyBufferToBuffer(buffer.gpu, 0, staging.buffer, at, bytes);
      at += bytes;
    }
    this.submit();
    await staging.buffer.mapAsync(MAP_READ, 0, total);
    const mapped = staging.buffer.getMappedRange(0, total);
    let from = 0;
    const values = regions.map(({ bytes }) => new Float32Array(mapped.slice(from, (from += bytes))));
    staging.buffer.unmap();
    // A few are kept; a burst of reads must not keep memory for good.
    if (this.#staging.length < 4) this.#staging.push(staging);
    else staging.buffer.destroy();
    return values;
  }

  #takeStaging(bytes: number): { readonly buffer: GPUBuffer; readonly bytes: number } {
    const at = this.#staging.findIndex((staging) => staging.bytes === bytes);
    if (at >= 0) return this.#staging.splice(at, 1)[0];
    return { bytes, buffer: this.device.createBuffer({ label: "read", size: bytes, usage: STAGING }) };
  }

  /** Drops the bind groups, since buffers that they name were destroyed. */
  forget(): void {
    this.#bindGroups.clear();
  }

  dispose(): void {
    this.#encoder = undefined;
    this.#pass = undefined;
    this.#ringBuffer.destroy();
    for (const { buffer } of this.#staging) buffer.destroy();
    this.forget();
  }

  #commands(): GPUCommandEncoder {
    return (this.#encoder ??= this.device.createCommandEncoder({ label: `step ${this.#submission}` }));
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }

  #bindGroup(pipeline: Pipeline, regions: readonly Region[]): GPUBindGroup {
    const key = `${pipeline.id} ${regions.map(({ buffer, bytes }) => `${buffer.id}:${bytes}`).join(" ")}`;
    const known = this.#bindGroups.get(key);
    if (known) return known;
    if (this.#bindGroups.size >= MOST_BIND_GROUPS) this.forget();
    const entries: GPUBindGroupEntry[] = regions.map(({ buffer, bytes }, i) => ({
      binding: pipeline.firstBuffer + i,
      resource: { buffer: buffer.gpu, offset: 0, size: bytes },
    }));
    if (pipeline.uniformBinding !== undefined) {
      const resource = { buffer: this.#ringBuffer, offset: 0, size: pipeline.uniformBytes };
      entries.push({ binding: pipeline.uniformBinding, resource });
    }
    const made = this.faults.watch(`binding the buffers of ${pipeline.key}`, () =>
      this.device.createBindGroup({ label: pipeline.key, layout: pipeline.layout, entries }),
    );
    this.#bindGroups.set(key, made);
    return made;
  }
}
