/** Every config.json that anything here writes, as a reader of types sees it: floats are floats, the rest is whole. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freezeAll, normModules, standardNorms } from "@normless/gpt2";
import { readModelFolder, writeModelFolder } from "@normless/gpt2/node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { run, tinyConfig, writeTiny } from "../apps/remove-layernorm/test/support/tiny.js";
import { numbersIn, strictJson } from "../packages/gpt2/test/strict-json.js";

const SHIPPED = fileURLToPath(new URL("../models/sotu/", import.meta.url));

/** In a model's folder, by the first name on the way to it: the constants of norms are all floats. */
const MODEL_FLOATS = ["layer_norm_epsilon", "normless"];
/** In a run's folder, by the last name. */
const RUN_FLOATS = [
  ...["peak", "floor", "beta1", "beta2", "adamEps", "weightDecay", "maxNorm", "auxiliaryWeight", "eps"],
  ...["eotShare", "shortShare", "keep", "ln_2", "ln_1:qk", "ln_1:v", "eotAfter", "firstAfter"],
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-configs-"));
  const { model, recipe } = await writeTiny(folder);
  const ran = async (...argv: string[]) => {
    const { code, err } = await run([...argv, "--threads", "1"]);
    if (code !== 0) throw new Error(err);
  };
  const removed = join(folder, "removed");
  await ran("remove", "--model", model, "--recipe", recipe, "--out", removed);
  await ran(
    "remove",
    "--model",
    model,
    "--corpus",
    model,
    "--steps",
    "24",
    "--batch-size",
    "2",
    ...[
      ...["--micro-batch-size", "2", "--block-size", "16", "--recipe", "taper-norm-2026"],
      ...["--out", join(folder, "tapered")],
    ],
  );
  await ran(
    "train",
    "--model-config",
    join(model, "config.json"),
    "--tokenizer",
    model,
    "--steps",
    "2",
    ...[
      ...["--batch-size", "2", "--micro-batch-size", "2", "--block-size", "16"],
      ...["--out", join(folder, "trained"), "--dtype", "F16"],
    ],
  );
  for (const form of ["folded", "gpt2", "transformer-lens"]) {
    const from = ["--model", join(removed, "ln-free-gpt2"), "--data", join(model, "val.bin")];
    await ran("export", ...from, "--form", form, "--out", join(folder, form));
  }
  const loaded = await readModelFolder(model);
  const stds = Object.fromEntries(normModules(tinyConfig).map((name, i) => [name, i + 1]));
  const frozen = freezeAll(standardNorms(tinyConfig), stds);
  await writeModelFolder(join(folder, "frozen"), { ...loaded, norms: frozen });
  const zero = { ...tinyConfig, eps: 0 };
  await writeModelFolder(join(folder, "eps0"), { ...loaded, config: zero, norms: standardNorms(zero) });
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

/** Paths below a folder of all its config.json. */
async function configFiles(path: string): Promise<string[]> {
  const names = await readdir(path, { recursive: true });
  return names.filter((name) => /(^|[\\/])config\.json$/.test(name)).sort();
}

it("the walk finds what every command and every form writes", async () => {
  expect((await configFiles(folder)).map((name) => name.replaceAll("\\", "/"))).toEqual([
    ...["eps0/config.json", "folded/config.json", "frozen/config.json", "gpt2/config.json"],
    ...["model/config.json", "removed/config.json", "removed/control/config.json"],
    ...["removed/ln-free-gpt2/config.json", "removed/ln-free/config.json"],
    ...["tapered/config.json", "tapered/control/config.json", "tapered/ln-free-gpt2/config.json"],
    ...["tapered/ln-free/config.json", "trained/config.json", "trained/model/config.json"],
    "transformer-lens/config.json",
  ]);
  expect(await configFiles(SHIPPED)).toEqual(["config.json"]);
});

it("has floats where readers expect floats, and nothing that means nothing there", async () => {
  const paths = [
    join(SHIPPED, "config.json"),
    ...(await configFiles(folder)).map((name) => join(folder, name)),
  ];
  for (const path of paths) {
    const json = strictJson(await readFile(path, "utf8")) as Record<string, unknown>;
    const isRun = "command" in json;
    for (const { type, path: fields } of numbersIn(json)) {
      const last = fields[fields.length - 1];
      const isFloat = isRun ? RUN_FLOATS.includes(last) : MODEL_FLOATS.includes(fields[0]);
      expect(type, `${path}: ${fields.join(".")}`).toBe(isFloat ? "float" : "int");
    }
    if (isRun) continue;
    const folded = JSON.stringify(json["normless"]) === '{"norms":"folded"}';
    expect(Object.keys(json).includes("layer_norm_epsilon"), path).toBe(!folded);
    expect(Object.keys(json).includes("n_ctx"), path).toBe(!folded);
  }
});

it("keeps an epsilon of 0 and of 1e12 as such", async () => {
  const epsilon = async (name: string) =>
    (strictJson(await readFile(join(folder, name, "config.json"), "utf8")) as Record<string, unknown>)[
      "layer_norm_epsilon"
    ];
  expect(await epsilon("eps0")).toEqual({ type: "float", value: 0 });
  expect(await epsilon("gpt2")).toEqual({ type: "float", value: 1e12 });
  expect((await readModelFolder(join(folder, "eps0"))).config.eps).toBe(0);
});
