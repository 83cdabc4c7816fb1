/** Of a model that has or makes what is no number no command writes a figure or a text: each says where, once. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initWeights, normModules, standardNorms } from "@normless/gpt2";
import { writeModelFolder } from "@normless/gpt2/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, tinyConfig, writeTiny } from "../support/tiny.js";

let folder: string;
let tiny: { model: string; recipe: string };
/** The last value of its file is NaN, which is a norm's. */
let damaged: string;
/** The first value of its file is NaN, which is the embedding's. */
let broken: string;
/** The embedding of "!", id 0, is so large that no norm has its mean. */
let loud: string;
let constants: string;
let text: string;
let tokens: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-not-finite-"));
  tiny = await writeTiny(folder);
  damaged = join(folder, "damaged");
  await cp(tiny.model, damaged, { recursive: true });
  const file = join(damaged, "model.safetensors");
  const bytes = await readFile(file);
  bytes.writeFloatLE(NaN, bytes.length - 4);
  await writeFile(file, bytes);
  broken = join(folder, "broken");
  await cp(tiny.model, broken, { recursive: true });
  const whole = await readFile(join(tiny.model, "model.safetensors"));
  whole.writeFloatLE(NaN, 8 + Number(whole.readBigUInt64LE(0)));
  await writeFile(join(broken, "model.safetensors"), whole);

  loud = join(folder, "loud");
  await cp(tiny.model, loud, { recursive: true });
  const config = { ...tinyConfig, tied: false };
  const weights = initWeights(config, 5);
  weights["wte.weight"].data.set([3e38, -3e38, 3e38, -3e38, 3e38, -3e38, 3e38, -3e38]);
  await writeModelFolder(loud, { config, weights, norms: standardNorms(config) }, { overwrite: true });
  text = join(folder, "text.jsonl");
  await writeFile(text, '{"text": "one two! three four five six seven"}\n');
  constants = join(folder, "frozen.json");
  await writeFile(
    constants,
    JSON.stringify(Object.fromEntries(normModules(tinyConfig).map((name) => [name, 1]))),
  );
  tokens = join(folder, "tokens.json");
  await writeFile(tokens, "[[65,0,66]]");
});
afterAll(() => rm(folder, { recursive: true }));

const out = () => join(folder, "out");
const item = {
  ...{ activity_label: "a", ctx_a: "b", ctx_b: "", ctx: "b" },
  ...{ endings: ["c", "d!!", "e", "f"], label: 0 },
};

async function refused(...argv: string[]) {
  const { code, out: said, err } = await run([...argv, "--threads", "1"]);
  expect([code, err]).toEqual([1, err]);
  expect(said).not.toMatch(/NaN|Infinity|[A-Za-z0-9]\n/);
  return err;
}

describe("a weight that is no number", () => {
  it.each<[string, (model: string) => string[]]>([
    ["eval", (model) => ["--model", model]],
    ["generate", (model) => ["--model", model, "--prompt", "!"]],
    ["inspect", (model) => ["--model", model]],
    ["logits", (model) => ["--model", model, "--token-ids", tokens, "--safetensors", out()]],
    ["compare", (model) => ["--model", tiny.model, model]],
    ["attribute", (model) => ["--model", model, "--prompt", "a"]],
    ["export", (model) => ["--model", model, "--norms", constants, "--out", out()]],
    ["remove", (model) => ["--model", model, "--recipe", tiny.recipe, "--out", out()]],
    ["train", (model) => ["--model", model, "--corpus", model, "--steps", "1", "--out", out()]],
  ])("is refused by %s, by its file, parameter and element", async (command, argv) => {
    for (const [model, holds] of [
      [damaged, "ln_f.bias holds NaN at element 7, [7]"],
      [broken, "wte.weight holds NaN at element 0, [0, 0]"],
    ]) {
      expect(await refused(command, ...argv(model))).toContain(
        `${model}/model.safetensors: parameter ${holds}; a model computes nothing with that`,
      );
      expect(await readdir(folder)).not.toContain("out");
    }
  });
});

describe("what becomes no number on the way", () => {
  it("ends each look at it with one error that says where", async () => {
    const place =
      "; the weights are numbers, so something passed float32's largest, 3.4e38, on the way there: ";
    const json = join(folder, "hellaswag.jsonl");
    await writeFile(json, `${JSON.stringify(item)}\n`);
    const passages = join(folder, "lambada.txt");
    await writeFile(passages, "a b c\na! b c\n");
    const first = { "--data": text, "--hellaswag": json, "--lambada": passages };
    const found: Record<string, string> = {};
    for (const [option, file] of Object.entries(first)) {
      found[option] = await refused("eval", "--model", tiny.model, loud, option, file, "--json", out());
    }
    expect(found["--data"]).toMatch(
      /loud on \S+text\.jsonl: the loss, target by target, holds NaN at position \d+ of sequence 0, both counted from 0/,
    );
    expect(found["--hellaswag"]).toMatch(
      /loud on HellaSwag \(completion\): the loss of what is scored holds NaN at ending 1 of item 0, both/,
    );
    expect(found["--lambada"]).toMatch(
      /loud on LAMBADA: the row of logits holds NaN at id 0 for token 0 of the word of passage 1, all counted from 0/,
    );
    for (const [command, message, ...argv] of [
      ["generate", "the row of logits for token 1 after the prompt holds NaN at id 0", "--prompt", "a!"],
      ["inspect", "the std at h.0.ln_1 holds NaN at class rest", "--data", text],
      [
        "logits",
        '"logits" holds NaN at element 257, [0, 1, 0]',
        "--token-ids",
        tokens,
        "--safetensors",
        out(),
      ],
      ["attribute", "the row of logits after the text holds NaN at id 0", "--prompt", "a!"],
    ]) {
      found[command] = await refused(command, "--model", loud, ...argv);
      expect(found[command]).toContain(message);
    }
    found.compare = await refused("compare", "--model", tiny.model, loud, "--data", text, "--json", out());
    expect(found.compare).toMatch(
      /the norm of model [AB]'s residual at \S+ holds (NaN|Infinity) at position \d+ of sequence \d+/,
    );
    for (const said of Object.values(found)) expect(said.split(place)).toHaveLength(2);
    expect(await readdir(folder)).not.toContain("out");
  });
});

describe("a norm's constant that is no number", () => {
  const table = (std: unknown) => ({
    norms: { ...standardNorms(tinyConfig), "h.0.ln_2": { kind: "frozen", std } },
  });

  it("is refused in config.json and in a file of constants", async () => {
    const model = join(folder, "constants");
    await cp(tiny.model, model, { recursive: true });
    const path = join(model, "config.json");
    const json = await readFile(path, "utf8");
    const write = (change: (json: Record<string, unknown>) => object) =>
      writeFile(
        path,
        JSON.stringify(change(JSON.parse(json) as Record<string, unknown>)).replaceAll('"1e999"', "1e999"),
      );
    const command = ["logits", "--token-ids", tokens, "--safetensors", out(), "--model"];
    await write((config) => ({ ...config, layer_norm_epsilon: "1e999" }));
    expect(await refused(...command, model)).toContain("layer_norm_epsilon");
    for (const value of ["1e999", null, 0, -1]) {
      const std = { first: 1, eot: value, rest: 1 };
      await write((config) => ({ ...config, model_type: "gpt2-normless", normless: table(std) }));
      expect(await refused(...command, model)).toMatch(/normless\.norms\["h\.0\.ln_2"\]: .*std\.eot is /);
      const constants = join(folder, "norms.json");
      await writeFile(constants, JSON.stringify({ "h.0.ln_2": std }).replaceAll('"1e999"', "1e999"));
      const { code, err } = await run([...command, tiny.model, "--norms", constants]);
      expect([code, err]).toEqual([2, expect.stringContaining("eot")]);
    }
  });
});
