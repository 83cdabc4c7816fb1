import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freezeAll, normModules } from "@normless/gpt2";
import { readModelFolder, writeModelFolder } from "@normless/gpt2/node";
import { fromBytes, openStore, type Store } from "@normless/safetensors";
import { expectClose } from "@normless/tensor/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, tinyConfig, writeTiny } from "./tiny.js";

let folder: string;
let model: string;
let frozen: string;
let rows: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-commands-"));
  ({ model } = await writeTiny(folder));
  frozen = join(folder, "frozen");
  const loaded = await readModelFolder(model);
  const stds = Object.fromEntries(normModules(tinyConfig).map((name, i) => [name, 0.02 + 0.01 * i]));
  await writeModelFolder(frozen, { ...loaded, norms: freezeAll(loaded.norms, stds) });
  rows = join(folder, "rows.json");
  await writeFile(rows, "[[1,2,3,256,5],[6,7,8,9,10]]");
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs a command that must succeed; its standard output. */
async function result(...argv: string[]): Promise<string> {
  const { code, out, err } = await run([...argv, ...(argv[0] === "fold" ? [] : ["--threads", "1"])]);
  expect(err).toBe("");
  expect(code).toBe(0);
  return out;
}

async function logits(from: string, ...more: string[]): Promise<Store> {
  const out = join(folder, "logits.safetensors");
  await result("logits", "--model", from, "--tokens", rows, "--out", out, ...more);
  return openStore([fromBytes(new Uint8Array(await readFile(out)), out)]);
}

describe("normless fold", () => {
  it("folds frozen norms, and names of frozen norms, without changing the logits", async () => {
    const plain = join(folder, "plain");
    const stock = join(folder, "stock");
    const again = join(folder, "again");
    expect(await result("fold", "--model", frozen, "--out", plain)).toContain("no norms are left");
    expect(await result("fold", "--model", frozen, "--out", stock, "--form", "gpt2")).toContain("1e12");
    await result("fold", "--model", stock, "--out", again);
    const expected = await (await logits(frozen)).readFloat32("logits");
    for (const [path, kind] of [
      [plain, "folded"],
      [stock, "standard"],
      [again, "folded"],
    ]) {
      const { norms, tokenizer } = await readModelFolder(path);
      expect(new Set(Object.values(norms).map((norm) => norm.kind))).toEqual(new Set([kind]));
      expect(tokenizer?.eot).toBe(256);
      expectClose(path, await (await logits(path)).readFloat32("logits"), expected, 1e-5);
    }
  });

  it("refuses a model with LayerNorms, and a folder that is not empty", async () => {
    const refused = await run(["fold", "--model", model, "--out", join(folder, "never")]);
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/the norm at h\.0\.ln_1:qk is standard/);
    expect((await run(["fold", "--model", frozen, "--out", model])).err).toContain("not empty");
  });
});

describe("normless generate", () => {
  it("continues the prompt, the same for the same seed", async () => {
    const argv = ["generate", "--model", model, "--prompt", "é", "--max-tokens", "12"];
    const text = await result(...argv, "--seed", "3");
    expect(text).toMatch(/^é[^]+\n$/);
    expect(await result(...argv, "--seed", "3")).toBe(text);
    expect(await result(...argv, "--seed", "4")).not.toBe(text);
    expect(await result("generate", "--model", model, "--prompt", "", "--temperature", "0")).not.toBe("\n");
  });
});

describe("normless inspect", () => {
  it("lists every site with its norm and its stds", async () => {
    const text = await result("inspect", "--model", model);
    expect(text).toMatch(/h\.0\.ln_1:qk .* LayerNorm, eps 1e-5 .* 0\.02\d+ .* 0\.02\d+ .* 0\.02\d+ /);
    expect(text).toContain("Of 7 norms 7 are LayerNorms, 0 frozen, 0 folded");
    const other = await result("inspect", "--model", frozen);
    expect(other).toMatch(/ln_f .* frozen at 0\.060000 /);
    expect(other).toContain("No std was measured");
    // Norms that an epsilon of 1e12 has frozen are called so.
    const stock = await result("inspect", "--model", join(folder, "stock"));
    expect(stock).toMatch(/ln_f .* frozen at 1\.0000e\+6 by eps 1e12 /);
    expect(stock).toContain("0 are LayerNorms, 7 frozen");
  });
});

describe("normless logits", () => {
  it("writes logits and stds of the rows", async () => {
    const store = await logits(model);
    expect(store.names()).toEqual(["logits", ...normModules(tinyConfig).map((name) => `std/${name}`)]);
    expect(store.info("logits").shape).toEqual([2, 5, 257]);
    expect(store.info("std/ln_f").shape).toEqual([2, 5]);
  });

  it("adds loss and gradients, the last ids being targets only", async () => {
    const store = await logits(model, "--grads");
    expect(store.info("logits").shape).toEqual([2, 4, 257]);
    expect(store.info("loss").shape).toEqual([]);
    expect(store.info("grad/h.1.attn.c_attn.weight").shape).toEqual([8, 24]);
    // The mean of the targets' nats, from the logits themselves.
    const values = await store.readFloat32("logits");
    const nats = [2, 3, 256, 5, 7, 8, 9, 10].map((target, row) => {
      const line = values.subarray(257 * row, 257 * (row + 1));
      return Math.log(line.reduce((sum, logit) => sum + Math.exp(logit), 0)) - line[target];
    });
    const [loss] = await store.readFloat32("loss");
    expect(loss).toBeCloseTo(nats.reduce((a, b) => a + b) / nats.length, 5);
  });

  it("freezes sites, a module's name standing for both of its paths", async () => {
    const norms = join(folder, "norms.json");
    const frozenLogits = async (constants: object) => {
      await writeFile(norms, JSON.stringify(constants));
      return [...(await (await logits(model, "--norms", norms)).readFloat32("logits"))];
    };
    const both = await frozenLogits({ "h.0.ln_1": 0.5 });
    const std = { first: 0.5, eot: 0.5, rest: 0.5 };
    expect(await frozenLogits({ "h.0.ln_1:qk": 0.5, "h.0.ln_1:v": std })).toEqual(both);
    expect(await frozenLogits({ "h.0.ln_1:qk": 0.5 })).not.toEqual(both);
  });
});
