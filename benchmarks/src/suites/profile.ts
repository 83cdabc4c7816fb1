/**
 * Where the time of a training step goes: op by op, as milliseconds of a step and as a rate, and that beside what this
 * machine can do, measured in the same turns. Here every op ends before the next begins; in a step by itself the next one
 * is written, and often begun, while the last still runs. Products and attention are held against the micro-kernel on all threads,
 * the others against a copy in memory (they can pass it where their operands are still in a cache).
 */
import { initWeights, standardNorms, uploadWeights } from "@normless/gpt2";
import type { AttributesOf, Backend, InputsOf, KernelName, OutputsOf } from "@normless/tensor";
import { native } from "@normless/tensor-native";
import { wasm } from "@normless/tensor-wasm";
import { type Context, longRounds } from "../harness/context.js";
import { inTurns, timed, timingOf } from "../harness/measure.js";
import { type OpWork, opWork } from "../cases/op-work.js";
import type { Row } from "../results/results.js";
import { showStep, steps, type StepShape } from "../cases/shapes.js";
import { batchNumber, Stepper } from "../steps/stepper.js";

export const profiled = ["tiny", "base", "small_1x256", "small_1x1024"] as const;
/** About a quarter of a second: the cores' speed changes within less. */
const MICROKERNEL_TURNS = { wasm: 500_000, native: 300_000 };
/** 256 MiB, beyond any cache. */
const COPIED = 1 << 26;

/** Of a step; what takes less is summed up in one line. */
const LEAST_SHARE = 0.004;

/** All calls of a kernel in one step. */
interface Spent extends OpWork {
  readonly calls: number;
  readonly ms: number;
}

interface ProfiledStep {
  readonly ms: number;
  readonly ops: ReadonlyMap<string, Spent>;
}

export async function profileSuite(context: Context): Promise<void> {
  const there = (["wasm", "native"] as const).filter((name) => context.engines.some((e) => e.name === name));
  for (const name of profiled) {
    if (!context.wants(name)) continue;
    for (const engine of there) await profile(context, engine, { name, shape: steps[name] });
  }
}

/** An engine whose inner loop can be timed alone, and its queue emptied where it has one. */
async function started(engine: "wasm" | "native", threads: number) {
  if (engine === "native") {
    const backend = await native({ threads });
    return {
      backend,
      microKernel: (turns: number) => backend.diagnostics.microKernel(turns),
      drain: () => undefined,
    };
  }
  const backend = await wasm({ threads });
  const { diagnostics } = backend;
  return {
    backend,
    microKernel: (turns: number) => diagnostics.microKernel(turns),
    drain: () => diagnostics.drain(),
  };
}

interface Profiled {
  readonly name: string;
  readonly shape: StepShape;
}

async function profile(
  context: Context,
  engine: "wasm" | "native",
  { name, shape }: Profiled,
): Promise<void> {
  const { threads } = context;
  const { config } = shape;
  const { backend, microKernel, drain } = await started(engine, threads);
  const takeOps = watchOps(backend, drain);
  const params = await uploadWeights(backend, initWeights(config, 1337));
  const stepper = new Stepper(backend, { config, norms: standardNorms(config), params });
  const from = backend.upload(new Float32Array(COPIED), [COPIED]);
  const all: ProfiledStep[] = [];
  let flops = 0;
  const step = timed("step", async () => void (await stepper.step(batchNumber(all.length, shape))));
  const rounds = longRounds(context);
  const microkernel = timed("microkernel", () => {
    flops = microKernel(MICROKERNEL_TURNS[engine]);
    return Promise.resolve();
  });
  // On both sides of the step, for the same reason.
  const [before, , after, copy] = await inTurns(
    [
      microkernel,
      {
        ...step,
        async run() {
          takeOps();
          const ms = await step.run();
          all.push({ ms, ops: takeOps() });
          return ms;
        },
      },
      microkernel,
      timed("copy", () => {
        backend.run("scale", { x: from }, { factor: 1 }).y.free();
        return backend.sync();
      }),
    ],
    rounds,
  );
  await backend.dispose();
  const limits = {
    "GFLOP/s": (2 * flops) / (before.median + after.median) / 1e6,
    "GB/s": (8 * COPIED) / copy.median / 1e6,
  };
  for (const line of linesOf(all.slice(rounds.warmup), limits)) {
    const { op, about, ...rest } = line;
    context.record({
      ...{ suite: "profile", case: `${name} ${op}`, about: about ?? showStep(shape) },
      ...{ engine, threads, ...rest },
    });
  }
}

/**
 * Times and counts every op from now on, each until it is done; what it returns hands over all since it was last called,
 * by kernel.
 */
function watchOps(backend: Backend, drain: () => void): () => ReadonlyMap<string, Spent> {
  let ops = new Map<string, Spent>();
  const run = backend.run.bind(backend);
  backend.run = <K extends KernelName>(
    kernel: K,
    inputs: InputsOf<K>,
    attributes: AttributesOf<K>,
    into: Partial<OutputsOf<K>> = {},
  ): OutputsOf<K> => {
    const begin = performance.now();
    const outputs = run(kernel, inputs, attributes, into);
    drain();
    const took = performance.now() - begin;
    const { calls, ms, flops, bytes } = ops.get(kernel) ?? { calls: 0, ms: 0, flops: 0, bytes: 0 };
    const work = opWork({ kernel, inputs, outputs, into });
    const sum = { calls: calls + 1, ms: ms + took, flops: flops + work.flops, bytes: bytes + work.bytes };
    ops.set(kernel, sum);
    return outputs;
  };
  return () => {
    const taken = ops;
    ops = new Map();
    return taken;
  };
}

type Line = Pick<Row, "value" | "unit" | "ms" | "share" | "toLimit"> & {
  readonly op: string;
  readonly about?: string;
};

/** The step, its kernels from the longest to the shortest, and what is left. */
function linesOf(all: readonly ProfiledStep[], limits: Readonly<Record<"GFLOP/s" | "GB/s", number>>): Line[] {
  const step = timingOf(all.map(({ ms }) => ms));
  const line = (op: string, times: readonly number[]): Line & { readonly share: number } => {
    const ms = timingOf(times);
    return { op, value: ms.median, unit: "ms", ms, share: ms.median / step.median };
  };
  const kernels = [...all[0].ops].map(([kernel, { calls, flops, bytes }]) => {
    const base = line(
      kernel,
      all.map(({ ops }) => ops.get(kernel)?.ms ?? 0),
    );
    const unit = flops > 0 ? "GFLOP/s" : "GB/s";
    const value = (flops || bytes) / base.ms.median / 1e6;
    return {
      ...base,
      about: `${calls} ${calls === 1 ? "call" : "calls"}`,
      value,
      unit,
      toLimit: value / limits[unit],
    } as const;
  });
  const shown = kernels.filter(({ share }) => share >= LEAST_SHARE).sort((a, b) => b.share - a.share);
  const named = new Set(shown.map(({ op }) => op));
  const spent = (ops: ReadonlyMap<string, Spent>, which: (kernel: string) => boolean) =>
    [...ops].reduce((sum, [kernel, { ms }]) => sum + (which(kernel) ? ms : 0), 0);
  return [
    line(
      "step",
      all.map(({ ms }) => ms),
    ),
    ...shown,
    line(
      "other ops",
      all.map(({ ops }) => spent(ops, (kernel) => !named.has(kernel))),
    ),
    line(
      "between ops",
      all.map(({ ms, ops }) => ms - spent(ops, () => true)),
    ),
  ];
}
