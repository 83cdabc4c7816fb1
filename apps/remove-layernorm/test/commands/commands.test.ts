import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freezeAll, normModules, toEps1e12 } from "@normless/gpt2";
import { readModelFolder, writeModelFolder } from "@normless/gpt2/node";
import { fromBytes, openStore, type Store } from "@normless/safetensors";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, tinyConfig, writeTiny } from "../support/tiny.js";

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
  const { code, out, err } = await run([...argv, "--threads", "1"]);
  expect(err).toBe("");
  expect(code).toBe(0);
  return out;
}

async function logits(from: string, ...more: string[]): Promise<Store> {
  const out = join(folder, "logits.safetensors");
  await result("logits", "--model", from, "--token-ids", rows, "--safetensors", out, ...more);
  return openStore([fromBytes(new Uint8Array(await readFile(out)), out)]);
}

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
    expect(text).toContain("layout: LayerNorms as trained\n");
    const other = await result("inspect", "--model", frozen);
    expect(other).toContain("layout: normless's own");
    expect(other).toMatch(/ln_f .* frozen at 0\.060000 /);
    expect(other).toContain("No std was measured");
    // Norms that an epsilon of 1e12 has frozen are called so.
    const huge = join(folder, "huge-eps");
    await writeModelFolder(huge, toEps1e12(await readModelFolder(frozen)));
    const { out: stock, err } = await run(["inspect", "--model", huge, "--threads", "1"]);
    expect(err).toContain("layer_norm_epsilon is 1e12, so that none of its 7 norms is a LayerNorm");
    expect(stock).toContain("layout: LN-free as published in 2024: eps 1e12");
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

  it("takes the std dictionaries of the published code", async () => {
    const norms = join(folder, "dictionary.json");
    const logitsAt = async (constants: object) => {
      await writeFile(norms, JSON.stringify(constants));
      return [...(await (await logits(model, "--norms", norms)).readFloat32("logits"))];
    };
    const std_dict = {
      "blocks.0.hook_resid_pre": 0.1,
      "blocks.0.hook_resid_mid": 0.2,
      "blocks.0.hook_resid_post": 0.3,
      "blocks.1.hook_resid_pre": 0.3,
      "blocks.1.hook_resid_mid": 0.4,
      "blocks.1.hook_resid_post": 0.5,
    };
    const ours = { "h.0.ln_1": 0.1, "h.0.ln_2": 0.2, "h.1.ln_1": 0.3, "h.1.ln_2": 0.4, ln_f: 0.5 };
    expect(await logitsAt({ std_dict })).toEqual(await logitsAt(ours));
    expect(await logitsAt(std_dict)).toEqual(await logitsAt(ours));
    // The first position's constants, which end-of-text takes on the value path alone.
    const std_bos_dict = Object.fromEntries(Object.entries(std_dict).map(([hook, std]) => [hook, 10 * std]));
    const apart = Object.entries(ours).flatMap(([module, rest]) => {
      const plain = { first: 10 * rest, eot: rest, rest };
      const paths = { [`${module}:qk`]: plain, [`${module}:v`]: { ...plain, eot: 10 * rest } };
      return Object.entries(module.endsWith("ln_1") ? paths : { [module]: plain });
    });
    expect(await logitsAt({ std_dict, std_bos_dict })).toEqual(await logitsAt(Object.fromEntries(apart)));
  });

  it("refuses constants of another shape, and shows which it takes", async () => {
    const norms = join(folder, "wrong.json");
    const out = join(folder, "never.safetensors");
    const refusal = async (constants: object) => {
      await writeFile(norms, JSON.stringify(constants));
      const { code, err } = await run([
        "logits",
        ...["--model", model, "--token-ids", rows, "--safetensors", out, "--norms", norms],
      ]);
      expect(code).toBe(2);
      return err;
    };
    const wrong = await refusal({ "h.0.ln_2": [1, 2] });
    expect(wrong).toContain("wrong.json: h.0.ln_2 is [1,2]; expected");
    expect(wrong).toContain('{"std_dict": {"blocks.0.hook_resid_pre": 0.17');
    const std_dict = { "blocks.0.hook_resid_pre": 1 };
    expect(await refusal({ std_dict })).toContain(
      'std_dict has no "blocks.0.hook_resid_mid", which the norm h.0.ln_2 reads',
    );
    expect(await refusal({ std_dict: { ...std_dict, "blocks.5.hook_resid_pre": 1 } })).toContain(
      'std_dict has "blocks.5.hook_resid_pre", and the model has 2 layers',
    );
    expect(await refusal({ std_dict: { "blocks.0.hook_resid_pre": -1 } })).toContain("is -1; expected");
  });
});
