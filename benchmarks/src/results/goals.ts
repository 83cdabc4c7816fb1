/** What the project promises of its speed, as ratios between rows of one run. */
import { comparedOn, lowestRatio, meanRatio, threadsOf } from "./primitives.js";
import { type Results, type Row, type SuiteName, withFastestForms } from "./results.js";

export interface Goal {
  readonly name: string;
  /** What is asked for, in the same unit as what was measured. */
  readonly target: number;
  readonly better: "higher" | "lower";
  readonly unit: "×" | "µs" | "s";
  /** Undefined where a row that it needs is missing. */
  readonly measured: number | undefined;
}

export const isMet = ({ measured, target, better }: Goal): boolean | undefined =>
  measured === undefined ? undefined : better === "higher" ? measured >= target : measured <= target;

const OURS = "wasm";
const NATIVE = "native";

/**
 * Every goal with what this run has to say to it. PyTorch counts in the form that is faster, and for memory in the one
 * that takes less.
 */
export function goalsOf(results: Results): Goal[] {
  const counting = withFastestForms(results.rows);
  const row = (suite: SuiteName, name: string, engine: string, threads?: number): Row | undefined =>
    counting
      .filter((r) => r.suite === suite && r.case === name && r.engine === engine)
      .filter((r) => threads === undefined || r.threads === threads)
      .reduce<Row | undefined>((best, r) => (best && best.threads >= r.threads ? best : r), undefined);
  const ratio = (a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined ? undefined : a / b;
  const higher = (name: string, target: number, measured: number | undefined): Goal => ({
    name,
    target,
    better: "higher",
    unit: "×",
    measured,
  });

  const mlpIn = row("kernels", "mlp_in", OURS);
  const microkernel = row("kernels", "microkernel", OURS, 1);
  const against = (peer: string, target: number) =>
    higher(`mlp_in against ${peer}`, target, ratio(mlpIn?.value, row("kernels", "mlp_in", peer)?.value));
  const againstPyTorch = (what: string, suite: SuiteName, name: string, target: number, engine: string) =>
    higher(
      `${what}${engine === OURS ? "" : ` with ${engine}`} against PyTorch`,
      target,
      ratio(row(suite, name, engine)?.value, row(suite, name, "pytorch")?.value),
    );
  const stepAgainst = (name: string, target: number, engine = OURS) =>
    againstPyTorch(`step of ${name}`, "steps", name, target, engine);
  const layouts = results.rows.flatMap((r) =>
    r.suite === "transposes" && r.engine === OURS ? [r.toMlpIn] : [],
  );
  const primitives = counting.filter(({ suite }) => suite === "primitives");
  const most = Math.max(1, ...threadsOf(primitives));
  const [onOne, onAll] = [1, most].map((threads) => comparedOn(primitives, threads));
  const ourPeak = row("steps", "small_1x1024", OURS)?.peakBytes;
  const theirPeaks = results.rows.flatMap(({ suite, case: name, engine, peakBytes }) =>
    suite === "steps" && name === "small_1x1024" && engine === "pytorch" && peakBytes ? [peakBytes] : [],
  );
  return [
    against("tfjs-wasm", 3.2),
    against("jax-js", 3.6),
    against("pytorch", 0.45),
    higher(
      "mlp_in against the micro-kernel's rate times the threads",
      0.83,
      mlpIn && microkernel && mlpIn.value / (microkernel.value * mlpIn.threads),
    ),
    higher(
      "the slowest layout of GPT-2's products against mlp_in",
      0.8,
      layouts.length > 0 ? Math.min(...layouts.map((value) => value ?? 0)) : undefined,
    ),
    higher(
      "step of small_1x256, 2 threads against 1",
      1.8,
      ratio(row("steps", "small_1x256", OURS, 2)?.value, row("steps", "small_1x256", OURS, 1)?.value),
    ),
    stepAgainst("tiny", 1.8),
    stepAgainst("base", 1.8),
    stepAgainst("mini", 1.6),
    stepAgainst("small_1x256", 1.5),
    stepAgainst("small_1x1024", 1),
    stepAgainst("small_1x1024", 1.6, "blas"),
    stepAgainst("base", 2, "blas"),
    ...["mlp_in", "lm_head", "base_mlp_in"].map((name) =>
      againstPyTorch(name, "kernels", name, 0.95, NATIVE),
    ),
    stepAgainst("tiny", 1.3, NATIVE),
    stepAgainst("base", 1.3, NATIVE),
    stepAgainst("mini", 1.2, NATIVE),
    stepAgainst("small_1x256", 1.2, NATIVE),
    stepAgainst("small_1x1024", 1.2, NATIVE),
    againstPyTorch("generation of small", "generation", "small", 1, NATIVE),
    againstPyTorch("generation of small", "generation", "small", 1.6, `${NATIVE} bfloat16`),
    {
      name: "peak memory of small_1x1024 against PyTorch's",
      target: 1,
      better: "lower",
      unit: "×",
      measured: ratio(ourPeak, theirPeaks.length > 0 ? Math.min(...theirPeaks) : undefined),
    },
    higher(
      "the slowest primitive, 1 thread, against the better of tfjs-wasm and jax-js",
      1,
      lowestRatio(onOne),
    ),
    higher("primitives, 1 thread, against the better peer, geometric mean", 3, meanRatio(onOne)),
    higher("the slowest primitive, all threads, against the better peer", 1, lowestRatio(onAll)),
    higher("primitives, all threads, against the better peer, geometric mean", 3, meanRatio(onAll)),
    {
      name: "handing an op to two threads and back",
      target: 10,
      better: "lower",
      unit: "µs",
      measured: row("latency", "handoff", OURS)?.value,
    },
    {
      name: "npm start, once built",
      target: 180,
      better: "lower",
      unit: "s",
      measured: (row("removal", "distilled", NATIVE) ?? row("removal", "distilled", OURS))?.value,
    },
  ];
}
