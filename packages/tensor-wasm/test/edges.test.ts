/** Where an engine could go wrong for good: logits of −Infinity, a job that traps, a refused start, bad input. */
import { BackendError, reference, type Tensor } from "@normless/tensor";
import { expectClose, integers, random } from "@normless/tensor/testing";
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Engine } from "../src/engine.js";
import type { Exports } from "../src/exports.js";
import { wasm } from "../src/index.js";
import { Heap } from "../src/memory.js";
import { host } from "../src/platform.js";
import { startPool } from "../src/pool.js";
import { compileBuild } from "../src/probe.js";

it("rules out ids whose logits are −Infinity, more than are taken at once", async () => {
  const [N, C, V] = [60, 8, 1100];
  const bias = Float32Array.from({ length: V }, (_, id) => (id < 1024 ? -Infinity : 0.5));
  const targets = Int32Array.from(integers([N], 4, V - 1024).data, (id) => 1024 + id);
  const [x, w, dloss] = [random([N, C], 1), random([V, C], 2), random([N], 3)];
  const backends = [reference(), await wasm({ threads: 1 }), await wasm({ threads: 2 })];
  const [expected, ...found] = await Promise.all(
    backends.map(async (backend) => {
      const up = ({ data, shape }: typeof x) => backend.upload(data, shape);
      const inputs = {
        ...{ x: up(x), w: up(w), bias: backend.upload(bias, [V]), targets: backend.upload(targets, [N]) },
      };
      const outputs: Record<string, Tensor> = {
        forward: backend.run("linearCrossEntropy", inputs, {}).loss,
        ...backend.run("linearCrossEntropyGrad", { ...inputs, dloss: up(dloss) }, {}),
      };
      const entries = Object.entries(outputs).map(
        async ([name, tensor]) => [name, await tensor.read()] as const,
      );
      const values = await Promise.all(entries);
      await backend.dispose();
      return values;
    }),
  );
  for (const values of found) {
    for (const [i, [name, data]] of values.entries()) expectClose(name, data, expected[i][1], 1e-5);
  }
});

it.each(["plain", "relaxed"] as const)(
  "keeps NaN in GELU, which bounds what it is given: %s",
  async (simd) => {
    const backend = await wasm({ threads: 1, simd });
    const x = backend.upload(Float32Array.of(NaN, 1, -1e20, NaN, NaN), [5]);
    const ones = backend.upload(new Float32Array(5).fill(1), [5]);
    for (const approximate of ["tanh", "none"] as const) {
      const { y } = backend.run("gelu", { x }, { approximate });
      const { dx } = backend.run("geluGrad", { dy: ones, x }, { approximate });
      for (const result of [y, dx]) {
        expect(Array.from(await result.read(), Number.isNaN)).toEqual([true, false, false, true, true]);
      }
    }
    await backend.dispose();
  },
);

/** An engine and its threads without a backend around them, which would keep the jobs from what they trap at. */
async function bare(threads: number) {
  const { module } = await compileBuild("auto");
  const heap = new Heap();
  const instance = await host.WebAssembly.instantiate(module, { env: { memory: heap.memory } });
  const engine = new Engine(instance.exports as Exports, heap, threads);
  const pool = await startPool(module, heap.memory, threads - 1);
  return { engine, pool };
}

describe("a job that traps", () => {
  // x, y and the sum, where there is no memory.
  const outside = [0xfffffff0, 0xfffffff0, 0xfffffff0, 64];

  it.each([1, 2, 3])("ends the wait for it and for all after it: %d threads", async (threads) => {
    const { engine, pool } = await bare(threads);
    const use = () => {
      engine.beginOp();
      for (let i = 0; i < 100; i++) engine.run("add", 4, Infinity, outside);
      engine.endOp();
      engine.drain();
    };
    expect(use).toThrow(/wasm: a kernel trapped, .* make another one/);
    expect(use).toThrow(BackendError);
    expect(() => engine.drain()).toThrow("a kernel trapped");
    engine.quit();
    await pool.stop();
  });
});

/** Threads of this process. */
const running = () => readdirSync("/proc/self/task").length;

it.runIf(process.platform === "linux")("leaves no thread behind where its product is refused", async () => {
  const gemm = {
    ...{ name: "wrong", description: "wrong" },
    attach: () => {
      throw new BackendError("computes a wrong product");
    },
  };
  const before = running();
  for (let i = 0; i < 3; i++) await expect(wasm({ threads: 3, gemm })).rejects.toThrow("wrong product");
  expect(running()).toBeLessThan(before + 3);
});

describe("bad input", () => {
  it("is refused by name", async () => {
    // @ts-expect-error no such build
    await expect(wasm({ simd: "fast" })).rejects.toThrow(
      'simd is "fast"; it is "auto", "relaxed" or "plain"',
    );
    const backend = await wasm({ threads: 1 });
    const ids = backend.upload(Int32Array.of(1, 2), [2]);
    expect(() => backend.write(ids, Float32Array.of(1.7, NaN))).toThrow(
      "write: a Float32Array cannot go into a tensor of int32",
    );
    expect(() => backend.write(ids, Int32Array.of(1))).toThrow(
      "write: 1 values do not fill a tensor of shape [2]",
    );
    await backend.dispose();
    for (const use of Object.values(backend.diagnostics) as ((turns: number) => unknown)[]) {
      expect(() => use(1)).toThrow(/diagnostics\.\w+: this wasm backend was disposed/);
    }
  });
});
