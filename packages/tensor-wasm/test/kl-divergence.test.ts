/** What holds of every Kullback-Leibler divergence, and what distillation relies on. */
import { random, type Value } from "@normless/tensor/testing";
import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { wasm } from "../src/index.js";

const backend = await wasm({ threads: 2 });
afterAll(() => backend.dispose());

interface Heads {
  readonly x: Value;
  readonly w: Value;
  readonly bias: Value;
}

const heads = (N: number, C: number, V: number, scale: number, seed: number): Heads => ({
  x: random([N, C], seed, scale),
  w: random([V, C], seed + 1),
  bias: random([V], seed + 2),
});

async function divergence(student: Heads, teacher: Heads) {
  const up = ({ data, shape }: Value) => backend.upload(data, shape);
  const [N] = student.x.shape;
  const inputs = {
    ...{ x: up(student.x), w: up(student.w), bias: up(student.bias) },
    ...{ teacherX: up(teacher.x), teacherW: up(teacher.w), teacherBias: up(teacher.bias) },
    dloss: backend.upload(new Float32Array(N).fill(0.37), [N]),
  };
  const outputs = backend.run("linearKlDivergenceGrad", inputs, {});
  const { loss: alone } = backend.run("linearKlDivergence", inputs, {});
  // The loss is the same bits whether or not its gradient is made along.
  expect(await alone.read()).toEqual(await outputs.loss.read());
  alone.free();
  const read = async (name: "loss" | "dx" | "dw" | "dbias") => Array.from(await outputs[name].read());
  const values = {
    loss: await read("loss"),
    dx: await read("dx"),
    dw: await read("dw"),
    dbias: await read("dbias"),
  };
  for (const tensor of [...Object.values(inputs), ...Object.values(outputs)]) tensor.free();
  return values;
}

const sizes = [
  fc.integer({ min: 1, max: 100 }),
  fc.integer({ min: 1, max: 20 }),
  fc.integer({ min: 1, max: 1100 }),
] as const;
const scale = fc.constantFrom(0.01, 1, 30);

it("of a model from itself is exactly 0, and so is every gradient", async () => {
  await fc.assert(
    fc.asyncProperty(...sizes, scale, fc.nat(1000), async (N, C, V, scale, seed) => {
      const same = heads(N, C, V, scale, seed);
      const { loss, dx, dw, dbias } = await divergence(same, same);
      for (const values of [loss, dx, dw, dbias]) expect(new Set(values.map(Math.abs))).toEqual(new Set([0]));
    }),
    { numRuns: 40 },
  );
});

it("of one model from another is not negative but for rounding, and finite", async () => {
  await fc.assert(
    fc.asyncProperty(...sizes, scale, fc.nat(1000), async (N, C, V, scale, seed) => {
      const { loss, dx } = await divergence(heads(N, C, V, scale, seed), heads(N, C + 1, V, scale, seed + 3));
      for (const nats of loss) expect(nats).toBeGreaterThan(-1e-5 * Math.max(1, scale));
      expect(dx.every(Number.isFinite)).toBe(true);
    }),
    { numRuns: 40 },
  );
});
