/**
 * Runs Programs by calling gpu.js, one kernel at a time, in any of its modes that answer at once. Right everywhere, and
 * not fast: webasm copies every operand at every call. The fast executor is that of WebGPU.
 */
import type { TensorData } from "../../dtype.js";
import { BackendError } from "../../errors.js";
import { addPass } from "../kernels/elementwise.js";
import type { Executor, JsPass, Program, WgslPass } from "../program.js";
import { FLAT, pass, X } from "../source.js";
import { type CompiledKernel, type GpuJs, type GpuJsMode, loadGpuJs, modeOf, whyNot } from "./library.js";
import { arrayStore, type Store, type Stored, textureStore } from "./store.js";

/** @throws BackendError when gpu.js or the mode is missing, saying why. Never takes another mode. */
export async function gpujsExecutor(mode: GpuJsMode): Promise<Executor<Stored>> {
  const library = await loadGpuJs();
  const reason = whyNot(library, mode);
  if (reason) throw new BackendError(`gpu: mode ${mode} cannot run here: ${reason}`);
  return new GpuJsExecutor(library, mode);
}

class GpuJsExecutor implements Executor<Stored> {
  readonly description: string;
  readonly software: boolean;
  readonly asynchronous: boolean;
  readonly #device;
  readonly #store: Store;
  readonly #compiled = new Map<string, { readonly kernel: CompiledKernel; checked: object | undefined }>();

  constructor(
    readonly library: GpuJs,
    readonly mode: GpuJsMode,
  ) {
    this.#device = new library.GPU({ mode });
    this.description = `${mode} by gpu.js`;
    this.software = mode === "webasm" || mode === "cpu";
    this.asynchronous = !this.software;
    this.#store =
      mode === "webasm" || mode === "cpu"
        ? arrayStore(library)
        : textureStore(this.#device.Kernel.features.maxTextureSize);
  }

  upload(data: TensorData): Stored {
    const values = new Float32Array(data);
    const size = values.length;
    if (!this.#store.copies) {
      this.#store.check([size], "upload");
      return { size, value: values };
    }
    const copy = pass("upload", { output: [size], reads: { a: FLAT }, writes: "y", body: `return a[${X}];` });
    return this.#call(copy, [new this.library.Input(values, [size])], [size]);
  }

  run(
    program: Program,
    operands: Readonly<Record<string, Stored>>,
    outputs: Readonly<Record<string, { readonly size: number; readonly into?: Stored }>>,
  ) {
    const buffers = new Map(Object.entries(operands));
    const own = new Map<string, Stored>();
    const put = (name: string, stored: Stored) => {
      const before = own.get(name);
      if (before) this.release(before);
      own.set(name, stored);
      buffers.set(name, stored);
    };
    const take = (name: string, use: string): Stored => {
      const stored = own.get(name);
      if (!stored) throw new BackendError(`gpu: no pass of this op writes ${name}, its ${use}`);
      own.delete(name);
      return stored;
    };
    try {
      for (const [name, data] of Object.entries(program.tables ?? {})) put(name, this.upload(data));
      for (const step of program.passes.map(jsOnly)) put(step.writes, this.#runPass(step, buffers));
      const results: Record<string, Stored> = {};
      for (const [name, { size, into }] of Object.entries(outputs)) {
        const computed = own.get(name);
        if (into && computed) {
          const addends = new Map([
            ["a", into],
            ["b", computed],
          ]);
          put(name, this.#runPass(addPass(size), addends));
        }
        results[name] = take(name, "output");
      }
      const replaced: Record<string, Stored> = {};
      for (const [operand, name] of Object.entries(program.replaces ?? {})) {
        replaced[operand] = take(name, `new ${operand}`);
      }
      for (const { into } of Object.values(outputs)) if (into) this.release(into);
      for (const operand of Object.keys(replaced)) this.release(operands[operand]);
      return { outputs: results, replaced };
    } finally {
      for (const stored of own.values()) this.release(stored);
    }
  }
  read = (handle: Stored) => Promise.resolve(this.#store.read(handle));
  readMany = (buffers: readonly { readonly handle: Stored }[]) =>
    Promise.all(buffers.map(({ handle }) => this.read(handle)));
  release(handle: Stored): void {
    this.#store.release(handle);
  }
  async sync(): Promise<void> {
    await Promise.resolve(this.#device.context?.finish());
  }
  async dispose(): Promise<void> {
    for (const { kernel } of this.#compiled.values()) kernel.destroy();
    this.#compiled.clear();
    await this.#device.destroy();
  }

  #runPass(step: JsPass, buffers: ReadonlyMap<string, Stored>): Stored {
    const reads = step.reads.map(({ name, width }) => {
      const stored = buffers.get(name);
      if (!stored)
        throw new BackendError(`gpu: ${titleOf(step)} reads ${name}, which no pass before it wrote`);
      return { stored, ...this.#store.argument(stored, width) };
    });
    try {
      return this.#call(
        step,
        [...reads.map(({ value }) => value), ...step.floats],
        reads.map(({ stored }) => stored.size),
      );
    } finally {
      for (const { done } of reads) done();
    }
  }

  #call(step: JsPass, operands: readonly unknown[], sizes: readonly number[]): Stored {
    const [x, y = 1] = step.output;
    this.#store.check([...sizes, x * y], titleOf(step));
    // Sizes of what is read flat are not in the key, and kernels on GL have them baked in.
    const key = `${sizes.join()}\n${step.key}`;
    let entry = this.#compiled.get(key);
    if (!entry) {
      const { source, output } = this.#store.compile(step);
      const kernel = this.#device.createKernel(source, {
        output,
        precision: "single",
        loopMaxIterations: 1 << 30,
        ...this.#store.settings,
      });
      entry = { kernel, checked: undefined };
      this.#compiled.set(key, entry);
    }
    const { kernel } = entry;
    const raw = kernel(...operands);
    if (entry.checked !== kernel.kernel) {
      this.#checkMode(step, kernel);
      entry.checked = kernel.kernel;
    }
    return this.#store.result(raw, x * y);
  }

  /** gpu.js runs what it cannot compile on the CPU, in float64, with a warning; here that is an error. */
  #checkMode(step: JsPass, kernel: CompiledKernel): void {
    const actual = modeOf(this.library, kernel);
    if (actual === this.mode && !kernel.fallbackReason) return;
    throw new BackendError(
      `gpu: kernel ${titleOf(step)} was to run in mode ${this.mode} and ran in ${actual}` +
        (kernel.fallbackReason ? `: ${kernel.fallbackReason}` : ""),
    );
  }
}

/** The key's first line: op, output, shape. */
const titleOf = ({ key }: JsPass) => key.split("\n", 1)[0];

function jsOnly(step: JsPass | WgslPass): JsPass {
  if (step.kind === "gpu.js") return step;
  throw new BackendError(`gpu: ${step.key} is WGSL, which only the WebGPU executor runs`);
}
