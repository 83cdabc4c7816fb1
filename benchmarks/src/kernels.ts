/**
 * Matrix products of real shapes, ours with one and two threads and tfjs-backend-wasm's, in one run and in turns.
 * Every result is checked against float64 sums before anything is timed. Prints a Markdown table and, with `--json FILE`,
 * writes the figures.
 */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { expectClose, random } from "@normless/tensor/testing";
import { wasm } from "@normless/tensor-wasm";
import { inTurns } from "./measure.js";
import { type ProductName, productShapes } from "./shapes.js";
import { loadTfjs, tfjsProduct } from "./tfjs.js";

/** A few rows of x·w with float64 sums; whole products of this size would take minutes. */
function someRows(
  x: Float32Array,
  w: Float32Array,
  K: number,
  M: number,
  rows: readonly number[],
): Float64Array {
  const out = new Float64Array(rows.length * M);
  rows.forEach((row, r) => {
    for (let k = 0; k < K; k++) for (let m = 0; m < M; m++) out[r * M + m] += x[row * K + k] * w[k * M + m];
  });
  return out;
}

const { values } = parseArgs({ options: { json: { type: "string" } } });
const tf = await loadTfjs();
const engines = [await wasm({ threads: 1 }), await wasm({ threads: 2 })];
const results: Record<string, Record<string, number>> = {};
console.log(`${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}; ${engines[1].description}`);
console.log("GFLOP/s, medians of 9 rounds in turns\n");
console.log("| product | 1 thread | 2 threads | tfjs-wasm | 2 threads / tfjs-wasm |");
console.log("| --- | --- | --- | --- | --- |");

for (const name of Object.keys(productShapes) as ProductName[]) {
  const shape = productShapes[name];
  const { rows, K, M } = shape;
  const [x, w] = [Float32Array.from(random([rows, K], 1).data), Float32Array.from(random([K, M], 2).data)];
  const peer = tfjsProduct(tf, shape, x, w);
  const ours = engines.map((backend) => {
    const inputs = { x: backend.upload(x, [rows, K]), w: backend.upload(w, [K, M]) };
    return async () => {
      const { y } = backend.run("linear", inputs, {});
      await backend.sync();
      return y;
    };
  });

  const checked = [0, 1, rows >> 1, rows - 1];
  const expected = someRows(x, w, K, M, checked);
  const pick = (y: ArrayLike<number>) =>
    checked.flatMap((row) => Array.from({ length: M }, (_, m) => y[row * M + m]));
  for (const run of ours) {
    const y = await run();
    expectClose(`${name}, ours`, pick(await y.read()), expected, 1e-5);
    y.free();
  }
  expectClose(`${name}, tfjs`, pick(peer.compute()), expected, 1e-5);

  const times = await inTurns([
    ...ours.map((run, i) => ({ name: `ours ${i + 1}`, run: async () => (await run()).free() })),
    {
      name: "tfjs",
      run: () => {
        peer.compute();
        return Promise.resolve();
      },
    },
  ]);
  peer.free();
  const [one, two, tfjs] = times.map((ms) => (2 * rows * K * M) / ms / 1e6);
  results[name] = { one, two, tfjs, ratio: two / tfjs };
  const cells = [`\`${name}\` [${rows},${K}]×[${K},${M}]`, one.toFixed(1), two.toFixed(1), tfjs.toFixed(1)];
  console.log(`| ${cells.join(" | ")} | ${(two / tfjs).toFixed(2)} |`);
}
if (values.json) {
  const machine = { cpu: cpus()[0].model, cores: cpus().length, node: process.version };
  writeFileSync(values.json, `${JSON.stringify({ machine, unit: "GFLOP/s", results }, null, 2)}\n`);
}
for (const engine of engines) await engine.dispose();
