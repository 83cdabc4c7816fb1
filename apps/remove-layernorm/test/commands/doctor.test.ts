/** `normless doctor`: what it tells, and that an engine which computes something else is found out. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Backend, reference } from "@normless/tensor";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { needsOf } from "../../src/doctor/needs.js";
import { selfTest } from "../../src/doctor/self-test.js";
import { engineNames } from "../../src/engine/engine.js";
import { run, writeTiny } from "../support/tiny.js";

let folder: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-doctor-"));
  ({ model } = await writeTiny(folder));
});
afterAll(() => rm(folder, { recursive: true }));

interface Doctor {
  readonly machine: { readonly normless: string; readonly memory: Readonly<Record<string, number>> };
  readonly simd: Readonly<Record<"relaxed" | "plain", string>>;
  readonly engines: readonly {
    readonly engine: string;
    readonly description?: string;
    readonly why?: string;
    readonly test?: { readonly passed: boolean; readonly difference: number };
  }[];
  readonly needs: { readonly parameters: number; readonly update: object };
}

it("tells of machine, engines and memory, in words and as JSON", async () => {
  const json = join(folder, "doctor.json");
  const { code, out, err } = await run(["doctor", "--model", model, "--json", json]);
  expect([code, err]).toEqual([0, ""]);
  const { machine, simd, engines, needs } = JSON.parse(await readFile(json, "utf8")) as Doctor;
  for (const name of [
    "normless",
    "Node",
    "processor",
    "memory",
    "compilers",
    "relaxed SIMD",
    ...engineNames,
  ]) {
    if (name !== "reference") expect(out).toMatch(new RegExp(`^${name} +\\S`, "m"));
  }
  expect(machine.memory.total).toBeGreaterThanOrEqual(machine.memory.allowed);
  expect(simd.plain).toBe("there");
  expect(engines.map(({ engine }) => engine)).toEqual(engineNames.filter((name) => name !== "reference"));
  for (const { engine, description, why, test } of engines) {
    // One that is there was tried, and of any other it is told why it is not.
    if (description === undefined) expect([engine, why]).toEqual([engine, expect.stringMatching(/\w/)]);
    else expect([engine, why, test?.passed]).toEqual([engine, undefined, true]);
  }
  expect(engines[0]).toMatchObject({ engine: "wasm", test: { passed: true } });
  expect(needs.parameters).toBe(3944);
  expect(out).toMatch(/^train +an update of 1 × 16 tokens takes [\d.]+ kB \(fits wasm/m);
}, 180_000);

it("knows what GPT-2's sizes take without a folder", async () => {
  const { parameters, weights, update } = await needsOf("gpt2");
  expect([parameters, weights]).toEqual([124_439_808, 4 * 124_439_808]);
  // Weights, gradients and two moments, and the teacher's weights.
  expect(update.train.recomputed).toBeGreaterThan(4 * weights);
  expect(update.remove.recomputed).toBeGreaterThan(5 * weights);
  const { code, err } = await run(["doctor", "--model", "gpt3"]);
  expect([code, err]).toEqual([
    2,
    expect.stringContaining("give a model's folder, or one of gpt2, gpt2-medium,"),
  ]);
});

describe("the self-test", () => {
  it("passes the reference itself, without any difference", async () => {
    expect(await selfTest(reference())).toMatchObject({ passed: true, difference: 0 });
  });

  /** The reference, but for one value of whatever a kernel gives, which is off by a hundredth of the largest. */
  function brokenAt(kernel: string): { readonly backend: Backend; uses: () => number } {
    const backend = reference();
    const whole = backend.run.bind(backend);
    let uses = 0;
    const spoilt = (called: string, ...rest: unknown[]): Readonly<Record<string, Stored>> => {
      const outputs = Reflect.apply(whole, undefined, [called, ...rest]) as Readonly<Record<string, Stored>>;
      if (called !== kernel) return outputs;
      uses++;
      const [{ storage }] = Object.values(outputs);
      const largest = storage.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      storage.data[0] += largest / 100;
      return outputs;
    };
    backend.run = spoilt as unknown as Backend["run"];
    return { backend, uses: () => uses };
  }
  interface Stored {
    readonly storage: { readonly data: Float64Array };
  }

  it.each(["linear", "attention", "embedding", "layerNormGrad"])(
    "finds an engine whose %s is off in one value by a hundredth",
    async (kernel) => {
      const { backend, uses } = brokenAt(kernel);
      expect(await selfTest(backend)).toMatchObject({ passed: false });
      expect(uses()).toBeGreaterThan(0);
    },
  );
});
