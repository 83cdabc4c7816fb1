/** Results that no machine measured: rows with round figures for every suite. */
import { products, showProduct, showStep, steps } from "../src/cases/shapes.js";
import type { Results, Row, SuiteName } from "../src/results/results.js";

export function row(
  suite: SuiteName,
  name: string,
  { engine = "wasm", threads = 2, value = 10, ...rest }: Partial<Row> = {},
): Row {
  const ms = { median: 2, fastest: 1, slowest: 3, runs: 5 };
  return { suite, case: name, about: "(1,2)", engine, threads, value, unit: "GFLOP/s", ms, ...rest };
}

const step = (name: keyof typeof steps, rest: Partial<Row>) =>
  row("steps", name, { unit: "tokens/s", about: showStep(steps[name]), ...rest });

export const synthetic: Results = {
  quick: false,
  machine: { cpu: "A <fast> CPU", cores: 2, memoryBytes: 24 * 2 ** 30, node: "20.0.0" },
  descriptions: { wasm: "wasm, relaxed SIMD, 2 threads", "tfjs-wasm": "tfjs-backend-wasm 4" },
  rows: [
    row("kernels", "microkernel", { threads: 1, value: 50 }),
    ...[
      row("kernels", "mlp_in", { threads: 1, value: 45 }),
      row("kernels", "mlp_in", { value: 90 }),
      row("kernels", "mlp_in", { engine: "tfjs-wasm", threads: 1, value: 25 }),
    ].map((one) => ({ ...one, about: showProduct(products.mlp_in) })),
    row("transposes", "qkv linear", { value: 81, toMlpIn: 0.9 }),
    row("transposes", "qkv linearGradWeight", { value: 63, toMlpIn: 0.7 }),
    row("latency", "handoff", { value: 12, unit: "µs" }),
    step("tiny", { value: 9000, peakBytes: 2e8 }),
    step("tiny", { engine: "pytorch", form: "eager", value: 3000, peakBytes: 3e8 }),
    step("tiny", { engine: "pytorch", form: "compiled", compileSeconds: 31, value: 4500, peakBytes: 4e8 }),
    step("small_1x1024", { value: 120, peakBytes: 3e9 }),
    step("small_1x1024", { engine: "pytorch", form: "eager", value: 90, peakBytes: 4e9 }),
    step("small_1x1024", {
      engine: "pytorch",
      form: "compiled",
      compileSeconds: 62,
      value: 100,
      peakBytes: 5e9,
    }),
    ...[64, 128, 256].map((T) => row("scaling", "T", { value: 1e5 / T, unit: "tokens/s", x: T })),
  ],
};
