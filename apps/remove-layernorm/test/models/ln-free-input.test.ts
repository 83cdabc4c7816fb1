/** A model that is LN-free already, in every form that there is of one, is no model to remove norms from. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  configText,
  foldModel,
  freezeAll,
  type HostModel,
  initWeights,
  normModules,
  replaceNorm,
  standardNorms,
  toEps1e12,
} from "@normless/gpt2";
import { writeModelFolder } from "@normless/gpt2/node";
import { frozenNorm } from "@normless/layernorm";
import { reference } from "@normless/tensor";
import { type TensorEntry, toBytes } from "@normless/safetensors";
import { afterAll, beforeAll, expect, it } from "vitest";
import { removalRecipes, removeLayerNorm } from "@normless/removal";
import { run, tinyConfig, writeTiny } from "../support/tiny.js";

let folder: string;
let corpus: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-ln-free-"));
  ({ model: corpus } = await writeTiny(folder));
});
afterAll(() => rm(folder, { recursive: true }));

const weights = initWeights(tinyConfig, 1);
const norms = standardNorms(tinyConfig);
const frozen: HostModel = {
  config: tinyConfig,
  weights,
  norms: freezeAll(norms, Object.fromEntries(normModules(tinyConfig).map((module) => [module, 2]))),
};
/** As the code of 2025 saves it: gamma·1e6/std. */
const form2025: HostModel = {
  config: { ...tinyConfig, eps: 1e12 },
  weights: Object.fromEntries(
    Object.entries(weights).map(([name, { shape, data }]) => [
      name,
      { shape, data: /ln_(1|2|f)\.weight$/.test(name) ? data.map((gamma) => (gamma * 1e6) / 2) : data },
    ]),
  ),
  norms: standardNorms({ ...tinyConfig, eps: 1e12 }),
};

/** A checkpoint of the 2025 training with these modules frozen, value paths too. */
async function checkpoint(name: string, modules: readonly string[]): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  await writeFile(join(path, "config.json"), configText(tinyConfig, norms));
  const entry = (key: string, rest: Omit<TensorEntry, "name">): TensorEntry => ({
    name: `transformer.${key}`,
    ...rest,
  });
  const std = new Float32Array(tinyConfig.channels).fill(2);
  const buffers = normModules(tinyConfig).flatMap((module) => {
    const flag = Uint8Array.of(modules.includes(module) ? 1 : 0);
    return [
      entry(`${module}.is_fake`, { dtype: "BOOL", shape: [], data: flag }),
      entry(`${module}.attn_v_is_fake`, { dtype: "BOOL", shape: [], data: flag }),
      entry(`${module}.average_std_buffer`, { dtype: "F32", shape: [std.length], data: std }),
      entry(`${module}.bos_std_buffer`, { dtype: "F32", shape: [std.length], data: std }),
    ];
  });
  const parameters = Object.entries(weights).map(([key, { shape, data }]) =>
    entry(key, { dtype: "F32", shape, data }),
  );
  await writeFile(join(path, "model.safetensors"), await toBytes([...parameters, ...buffers]));
  return path;
}

async function written(name: string, model: HostModel, names?: "transformer-lens"): Promise<string> {
  const path = join(folder, name);
  await writeModelFolder(path, { ...model, names });
  return path;
}

async function refused(model: string): Promise<string> {
  const { code, err } = await run(["remove", "--dry-run", "--model", model, "--corpus", corpus]);
  expect(code).toBe(2);
  return err;
}

it.each([
  ["frozen", "frozen", "normless's own", () => written("frozen", frozen)],
  ["folded", "folded", "normless's own", () => written("folded", foldModel(frozen))],
  ["of 2024", "frozen", "LN-free as published in 2024", () => written("2024", toEps1e12(frozen))],
  ["of 2025", "frozen", "LN-free as published in 2025", () => written("2025", form2025)],
  ["a checkpoint", "frozen", "a checkpoint of the", () => checkpoint("whole", normModules(tinyConfig))],
  [
    "TransformerLens's",
    "folded",
    "TransformerLens's",
    () => written("lens", foldModel(frozen), "transformer-lens"),
  ],
])("%s is refused, and told what to do instead", async (_, kind, form, write) => {
  const model = await write();
  const err = await refused(model);
  expect(err).toContain(`${model} is LN-free already: all 7 of its norms are ${kind} (${form}`);
  expect(err).toContain("give the one that this was made from");
  expect(err).toContain("normless eval, compare, attribute");
});

it.each([
  [
    "one of ours",
    () => written("partly", { ...frozen, norms: replaceNorm(norms, "ln_f", frozenNorm(2)) }),
    ["h.0.ln_2", "ln_f"],
  ],
  ["a checkpoint", () => checkpoint("half", ["h.0.ln_1", "h.0.ln_2"]), ["h.1.ln_2", "h.0.ln_2"]],
] as const)("%s that has lost some of its norms goes on with the rest", async (_, write, [left, gone]) => {
  const argv = ["remove", "--dry-run", "--recipe", "distilled", "--model", await write(), "--corpus", corpus];
  const { code, out } = await run(argv);
  expect(code).toBe(0);
  expect(out).toMatch(new RegExp(`^ +\\d+ +${left}$`, "m"));
  expect(out).not.toMatch(new RegExp(`^ +\\d+ +${gone}$`, "m"));
});

it("a checkpoint that has lost none is a model with LayerNorms", async () => {
  const model = await checkpoint("none", []);
  expect((await run(["remove", "--dry-run", "--model", model, "--corpus", corpus])).code).toBe(0);
});

it.each([
  ["inspect", (model: string) => ["inspect", "--model", model]],
  ["compare", (model: string) => ["compare", "--model", corpus, model]],
  ["eval", (model: string) => ["eval", "--model", model, "--data", join(corpus, "val.bin")]],
])("%s says what one with an epsilon of 1e12 is", async (command, argv) => {
  const model = await written(`seen-by-${command}`, toEps1e12(frozen));
  const { code, err } = await run([...argv(model), "--threads", "1"]);
  expect(code).toBe(0);
  expect(err).toContain(`${model}: config.json: layer_norm_epsilon is 1e12, so that none of its 7 norms is`);
});

it("the library refuses an epsilon of 1e12, too", () => {
  const tokens = new Uint16Array(200);
  const run = removeLayerNorm({
    backend: reference(),
    model: form2025,
    corpus: { train: tokens, validation: tokens },
    recipe: { ...removalRecipes["distilled"], blockSize: 16 },
  });
  return expect(run.next()).rejects.toThrow("the model is LN-free already: its epsilon of 1000000000000");
});
