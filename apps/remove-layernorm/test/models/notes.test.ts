/** What is read as something that people might not expect is said, once, by every command that reads a model. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freezeAll, generate, normModules, toEps1e12, uploadWeights } from "@normless/gpt2";
import { readModelFolder, writeModelFolder } from "@normless/gpt2/node";
import { reference } from "@normless/tensor";
import { afterAll, beforeAll, expect, it } from "vitest";
import { run, tinyConfig, writeTiny } from "../support/tiny.js";

let folder: string;
let model: string;
let recipe: string;
let stock: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-notes-"));
  ({ model, recipe } = await writeTiny(folder));
  const loaded = await readModelFolder(model);
  const stds = Object.fromEntries(normModules(tinyConfig).map((name) => [name, 0.05]));
  const norms = freezeAll(loaded.norms, stds);
  stock = join(folder, "stock");
  await writeModelFolder(stock, { ...loaded, ...toEps1e12({ ...loaded, norms }) });
});
afterAll(() => rm(folder, { recursive: true }));

/** A copy of a folder whose config.json says something else of the ids that end a text. */
async function withEos(from: string, name: string, eos: unknown): Promise<string> {
  const path = join(folder, name);
  await cp(from, path, { recursive: true });
  const hf = JSON.parse(await readFile(join(path, "config.json"), "utf8")) as object;
  await writeFile(join(path, "config.json"), JSON.stringify({ ...hf, eos_token_id: eos }));
  return path;
}

it("says it once in every command", async () => {
  const listed = await withEos(model, "listed", [256, 80]);
  const outside = await withEos(model, "outside", 50256);
  const stockListed = await withEos(stock, "stock-listed", [256]);
  const note = (path: string, text: string) => `${path}: config.json: eos_token_id is ${text}`;
  const of = {
    listed: note(listed, "[256,80]; generation ends at 256 and at 80; end-of-text is 256\n"),
    outside: note(
      outside,
      "50256; no text of this vocabulary of 257 has 50256 in it; the model has no end-of-text\n",
    ),
    stock: note(stockListed, "[256]; end-of-text is 256\n"),
  };
  const rows = join(folder, "rows.json");
  await writeFile(rows, "[[1,2,3]]");
  const data = ["--data", join(model, "val.bin")];
  for (const [argv, notes] of [
    [["generate", "--model", listed, "--prompt", "a", "--max-tokens", "3"], [of.listed]],
    [["generate", "--model", outside, "--prompt", "a", "--max-tokens", "3"], [of.outside]],
    [["inspect", "--model", outside], [of.outside]],
    [
      ["eval", "--model", listed, outside, "--tokens", "50", ...data],
      [of.listed, of.outside],
    ],
    [
      ["compare", "--model", listed, outside, "--tokens", "50", ...data],
      [of.listed, of.outside],
    ],
    [["attribute", "--model", listed, "--prompt", "a", "--tokens", "16"], [of.listed]],
    [
      ["logits", "--model", outside, "--token-ids", rows, "--safetensors", join(folder, "l.safetensors")],
      [of.outside],
    ],
    [["export", "--model", stockListed, "--out", join(folder, "f"), "--tokens", "50", ...data], [of.stock]],
    [["remove", "--model", listed, "--recipe", recipe, "--out", join(folder, "run")], [of.listed]],
  ] as const) {
    const { code, err } = await run([...argv, "--threads", "1"]);
    expect(code, err).toBe(0);
    for (const text of notes) expect(err.split(text), `${argv[0]}: ${err}`).toHaveLength(2);
  }
  // What was written has the ids of the list again.
  expect((await readModelFolder(join(folder, "run", "ln-free"))).config.eosTokenIds).toEqual([256, 80]);
});

it("ends a text at each id of a list, and at the tokenizer's end-of-text where the config has none", async () => {
  // A model that writes any of the printable ASCII characters, ids 0 to 93, and end-of-text, all as likely.
  const { vocabSize: V, channels: C } = tinyConfig;
  const loaded = await readModelFolder(model);
  const vector = (of: (c: number) => number) => ({
    shape: [C],
    data: Float32Array.from({ length: C }, (_, c) => of(c)),
  });
  const head = new Float32Array(V * C);
  for (let id = 94; id < 256; id++) head[id * C] = -99;
  const weights = {
    ...loaded.weights,
    "ln_f.weight": vector(() => 0),
    "ln_f.bias": vector((c) => (c === 0 ? 1 : 0)),
    "lm_head.weight": { shape: [V, C], data: head },
  };
  const config = { ...tinyConfig, tied: false };
  const printing = join(folder, "printing");
  await writeModelFolder(printing, { ...loaded, config, weights });

  const params = await uploadWeights(reference(), weights);
  const ids: number[] = [];
  // What the command draws, but on through whatever ends a text.
  const drawn = generate({ config, params, norms: loaded.norms }, [64], { maxTokens: 400, seed: 3 });
  for await (const id of drawn) ids.push(id);
  const end = ids.indexOf(256);
  expect(end).toBeGreaterThan(5);
  const earlier = ids[3];
  const written = async (path: string) => {
    const { out } = await run([
      ...["generate", "--model", path, "--prompt", "a", "--max-tokens", "400", "--temperature", "1"],
      ...["--seed", "3", "--backend", "reference"],
    ]);
    return out.length - "a\n".length;
  };
  expect(await written(printing)).toBe(end);
  expect(await written(await withEos(printing, "none", 50256))).toBe(end);
  expect(await written(await withEos(printing, "several", [256, earlier]))).toBe(ids.indexOf(earlier));
  expect(ids.indexOf(earlier)).toBeLessThan(end);
});
