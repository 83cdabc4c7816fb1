/**
 * Device memory by size class. Given-back buffers wait for the next op of their class, so that a step allocates nothing
 * that the step before it did not; those that no step took for a while are destroyed.
 */
import { BackendError } from "../../errors.js";
import type { Faults } from "./faults.js";

/** A buffer of the pool. */
export interface DeviceBuffer {
  readonly gpu: GPUBuffer;
  /** Never used twice. */
  readonly id: number;
  /** Its size class. */
  readonly bytes: number;
  /** The submission that uses it last. */
  usedIn: number;
  /** Goes up with every kernel that writes it. */
  version: number;
}

/** Values on the device: a buffer of the pool and how much of it counts. */
export interface Region {
  readonly buffer: DeviceBuffer;
  readonly bytes: number;
}

// The values of GPUBufferUsage, which is a global only where WebGPU is.
const STORAGE = 0x80;
const COPY_SRC = 0x04;
const COPY_DST = 0x08;
/** An idle buffer lives through this many syncs. */
const PATIENCE = 8;

/** The next of eight steps between two powers of two: at most an eighth is wasted. */
export function sizeClass(bytes: number): number {
  if (bytes <= 256) return 256;
  const step = 2 ** (Math.floor(Math.log2(bytes - 1)) - 3);
  const rounded = Math.ceil(bytes / step) * step;
  return Math.ceil(rounded / 16) * 16;
}

/** The device's buffers by size class: those given back wait for whoever takes one of their class. */
export class BufferPool {
  readonly #idle = new Map<number, { buffer: DeviceBuffer; since: number }[]>();
  #nextId = 0;
  #syncs = 0;
  /** The largest buffer that a kernel can see whole. */
  readonly limit: number;
  allocatedBytes = 0;

  constructor(
    readonly device: GPUDevice,
    readonly faults: Faults,
  ) {
    this.limit = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
  }

  /** @throws BackendError for more bytes than one binding may have. */
  take(wanted: number, what: string): DeviceBuffer {
    if (wanted > this.limit) {
      throw new BackendError(
        `webgpu: ${what} needs ${wanted} bytes in one buffer; this adapter allows ${this.limit} ` +
          "(maxStorageBufferBindingSize, maxBufferSize). Use smaller batches or another backend.",
      );
    }
    const bytes = Math.min(sizeClass(wanted), Math.floor(this.limit / 16) * 16);
    const waiting = this.#idle.get(bytes)?.pop();
    if (waiting) return waiting.buffer;
    const gpu = this.faults.watch(`allocating ${bytes} bytes for ${what}`, () =>
      this.device.createBuffer({
        label: what,
        size: Math.max(bytes, wanted),
        usage: STORAGE | COPY_SRC | COPY_DST,
      }),
    );
    this.allocatedBytes += bytes;
    return { gpu, id: this.#nextId++, bytes, usedIn: -1, version: 0 };
  }

  give(buffer: DeviceBuffer): void {
    const idle = this.#idle.get(buffer.bytes);
    const entry = { buffer, since: this.#syncs };
    if (idle) idle.push(entry);
    else this.#idle.set(buffer.bytes, [entry]);
  }

  /** Once a step. True when buffers were destroyed, so that nothing may keep a reference to them. */
  age(): boolean {
    this.#syncs += 1;
    let destroyed = false;
    for (const [bytes, idle] of this.#idle) {
      const kept = idle.filter(({ since }) => this.#syncs - since <= PATIENCE);
      for (const entry of idle) if (!kept.includes(entry)) this.#destroy(entry.buffer);
      if (kept.length < idle.length) destroyed = true;
      this.#idle.set(bytes, kept);
    }
    return destroyed;
  }

  clear(): void {
    for (const idle of this.#idle.values()) for (const { buffer } of idle) this.#destroy(buffer);
    this.#idle.clear();
  }

  #destroy(buffer: DeviceBuffer): void {
    buffer.gpu.destroy();
    this.allocatedBytes -= buffer.bytes;
  }
}
