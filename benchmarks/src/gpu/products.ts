/** x·w, side by side by side: gpu.js as written for any mode, gpu.js four values a thread, and ours in WGSL. */
import type { Builds, Executor, JsPass, Program } from "@normless/tensor/gpu";
import { expectClose, random } from "@normless/tensor/testing";
import { inTurns } from "./timing.js";

export interface ProductFigures {
  readonly side: number;
  /** GFLOP/s. */
  readonly gpujs: number;
  readonly gpujsVectors: number;
  readonly wgsl: number;
}

/** The fastest way that was found to write a product in gpu.js: a thread has four columns, k in steps of four. */
function vectors(side: number): JsPass {
  const at = (i: number) => `w[k + ${i}][this.thread.x * 4`;
  const terms = (j: number) => [0, 1, 2, 3].map((i) => `x${i} * ${at(i)} + ${j}]`).join(" + ");
  return {
    kind: "gpu.js",
    key: `product of vectors ${side}`,
    source: `function (x, w) {
      let s0 = 0; let s1 = 0; let s2 = 0; let s3 = 0;
      for (let k = 0; k < ${side}; k += 4) {
        ${[0, 1, 2, 3].map((i) => `let x${i} = x[this.thread.y][k + ${i}];`).join(" ")}
        ${[0, 1, 2, 3].map((j) => `s${j} += ${terms(j)};`).join(" ")}
      }
      return [s0, s1, s2, s3];
    }`,
    output: [side / 4, side],
    reads: [
      { name: "x", width: side },
      { name: "w", width: side },
    ],
    writes: "y",
    floats: [],
  };
}

export async function measureProducts<Handle>(
  executor: Executor<Handle>,
  [gpujs, wgsl]: readonly Builds[],
  side: number,
): Promise<ProductFigures> {
  const shape = [side, side];
  const size = side * side;
  const values = [1, 2].map((seed) => Float32Array.from(random(shape, seed).data));
  const [x, w] = values.map((data) => executor.upload(data));
  const operand = { shape, size, dtype: "float32" as const };
  const built = (builds: Builds) =>
    builds.linear({ x: operand, w: operand }, {}, { y: { shape, size, add: false } });
  const programs: Program[] = [built(gpujs), { passes: [vectors(side)] }, built(wgsl)];
  const run = (program: Program) => executor.run(program, { x, w }, { y: { size } }).outputs.y;

  const expected = firstRow(values[0], values[1], side);
  for (const [i, program] of programs.entries()) {
    const y = run(program);
    const row = (await executor.read(y, size)).subarray(0, side);
    expectClose(`product ${i}`, row, expected, 1e-5);
    executor.release(y);
  }
  const times = await inTurns(
    programs.map((program) => () => executor.release(run(program))),
    () => executor.sync(),
  );
  for (const handle of [x, w]) executor.release(handle);
  const [naive, four, ours] = times.map((ms) => (2 * side ** 3) / ms / 1e6);
  return { side, gpujs: naive, gpujsVectors: four, wgsl: ours };
}

function firstRow(x: Float32Array, w: Float32Array, side: number): Float64Array {
  const row = new Float64Array(side);
  for (let k = 0; k < side; k++) for (let m = 0; m < side; m++) row[m] += x[k] * w[k * side + m];
  return row;
}
