/**
 * The GPU's kernels on the adapter at hand: each one of gpu.js against ours in WGSL, on one device and in turns, as shares of
 * the measured peak; products on their own; and whole training steps. Knows neither Node nor page.
 */
import { type Backend, type KernelName, type Shape, sizeOf, type Tensor } from "@normless/tensor";
import {
  type Builds,
  type Executor,
  gpuBackend,
  kernels,
  webgpu,
  type WebGpuOptions,
} from "@normless/tensor/gpu";
import { integers, random } from "@normless/tensor/testing";
import { measurePeaks, type Peaks } from "./peaks.js";
import { measureProducts, type ProductFigures } from "./products.js";
import { measureStep, type StepFigures } from "./step.js";
import { inTurns } from "./timing.js";
import { type Dims, dims, type DimsName, type KernelWork, workOf } from "./work.js";

export interface KernelFigures {
  readonly kernel: KernelName;
  readonly part: string;
  readonly flops: number;
  readonly bytes: number;
  /** Milliseconds of a call. */
  readonly gpujs: number;
  readonly wgsl: number;
}

export interface GpuReport {
  readonly description: string;
  readonly model: Dims & { readonly name: DimsName };
  readonly peaks: Peaks;
  readonly products: ProductFigures;
  readonly kernels: readonly KernelFigures[];
  readonly steps: readonly StepFigures[];
}

export interface BenchOptions {
  /** Default: `tiny` where a CPU stands for the GPU, else `small`. */
  readonly model?: DimsName | undefined;
  readonly device?: WebGpuOptions["device"];
  readonly say: (progress: string) => void;
}

/** One call of each kernel is enough, since products have a comparison of their own. */
const shown = ({ kernel, part }: KernelWork) =>
  ["", "tokens"].includes(part) || part === "mlp out" || kernel === "linearGelu";

export async function benchGpu({ model, device, say }: BenchOptions): Promise<GpuReport> {
  const given = device && { device };
  say("choosing the products for this adapter");
  const tuned = await webgpu({ ...given });
  const { overrides } = tuned;
  await tuned.executor.dispose();
  // The device runs kernels of both kinds; which, is the backend's choice.
  const { executor } = await webgpu({ ...given, overrides: false });
  const slow = executor.description.includes("(on the CPU)");
  const name = model ?? (slow ? "tiny" : "small");
  const of = dims[name];
  const builds: readonly Builds[] = [kernels, { ...kernels, ...overrides }];
  const backends = builds.map((column) => gpuBackend(executor, column));

  say("the adapter's peaks");
  const peaks = await measurePeaks(executor, slow);
  say("products");
  const products = await measureProducts(executor, builds, slow ? 256 : 2048);
  const figures: KernelFigures[] = [];
  for (const work of workOf(of).filter(shown)) {
    say(`${work.kernel} ${work.part}`);
    figures.push(await measureKernel(backends, executor, work));
  }
  const steps: StepFigures[] = [];
  for (const [i, backend] of backends.entries()) {
    const column = i === 0 ? "gpu.js" : "WGSL";
    say(`a training step, ${column}`);
    steps.push(await measureStep(column, backend, of));
  }
  await executor.dispose();
  const description = executor.description.replace(", kernels of gpu.js", "");
  return { description, model: { ...of, name }, peaks, products, kernels: figures, steps };
}

type AnyRun = (kernel: string, inputs: object, attributes: object) => Record<string, Tensor>;

async function measureKernel<Handle>(
  backends: readonly Backend[],
  executor: Executor<Handle>,
  work: KernelWork,
): Promise<KernelFigures> {
  const made: Tensor[] = [];
  const runs = backends.map((backend) => {
    const inputs = Object.fromEntries(
      Object.entries(work.inputs).map(([name, shape], i) => [name, operand(backend, work, name, shape, i)]),
    );
    made.push(...Object.values(inputs));
    const run = backend.run.bind(backend) as AnyRun;
    return () => {
      for (const output of Object.values(run(work.kernel, inputs, work.attributes))) output.free();
    };
  });
  const [gpujs, wgsl] = await inTurns(runs, () => executor.sync());
  for (const tensor of made) tensor.free();
  const { kernel, part, flops, bytes } = work;
  return { kernel, part, flops, bytes, gpujs, wgsl };
}

/** Values that a step might have: small, and positive where a root is taken of them. */
function operand(backend: Backend, { ids }: KernelWork, name: string, shape: Shape, seed: number): Tensor {
  const limit = ids?.[name];
  if (limit !== undefined) return backend.upload(integers(shape, seed, limit).data, shape);
  const positive = ["v", "rstd", "normSquared", "lse"].includes(name);
  const short = random([Math.min(sizeOf(shape), 1 << 16)], seed, 0.1, positive ? 1 : 0).data;
  const values = new Float32Array(sizeOf(shape));
  for (let at = 0; at < values.length; at += short.length)
    values.set(short.subarray(0, values.length - at), at);
  return backend.upload(values, shape);
}
