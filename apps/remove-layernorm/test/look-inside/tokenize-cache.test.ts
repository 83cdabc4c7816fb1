import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { evaluate } from "@normless/autograd";
import { forward, uploadTokens, uploadWeights } from "@normless/gpt2";
import { readModelFolder } from "@normless/gpt2/node";
import { fromBytes, openStore } from "@normless/safetensors";
import { reference } from "@normless/tensor";
import { describe, expect, it } from "vitest";
import type { CachedTensor } from "../../src/commands/cache.js";
import type { TokenizeData } from "../../src/commands/tokenize.js";
import { run, tinyConfig } from "../support/tiny.js";
import { figures, lookingModels, refused, result } from "./looking-models.js";

const place = lookingModels();
const sotu = new URL("../../../../models/sotu", import.meta.url).pathname;

describe("normless tokenize", () => {
  it("tells the pieces of a text, and which spelling of a word is one token", async () => {
    const data = await figures<TokenizeData>("tokenize", "fellow Mary John", "--model", sotu);
    expect(data.tokens.map(({ piece }) => JSON.parse(piece) as string).join("")).toBe("fellow Mary John");
    expect(data.tokens.map(({ position }) => position)).toEqual(data.tokens.map((_, i) => i));
    const vocab = JSON.parse(await readFile(join(sotu, "vocab.json"), "utf8")) as Record<string, number>;
    for (const { word, ids, oneToken } of data.words) {
      for (const { text, id } of oneToken) expect(vocab[text.replace(" ", "Ġ")]).toBe(id);
      expect(ids.length === 1).toBe(oneToken.some(({ text }) => text === word));
    }
    const [, mary, john] = data.words;
    expect(mary).toMatchObject({ word: " Mary", oneToken: [] });
    expect(mary.ids.length).toBeGreaterThan(1);
    expect(john).toMatchObject({ word: " John", ids: [vocab["ĠJohn"]] });
    const text = await result("tokenize", "fellow Mary John", "--model", sotu);
    expect(text).toMatch(/" Mary" +│ " M" "ary" +│ none/);
    expect(text).toContain(`" John" ${vocab["ĠJohn"]}`);
  });

  it("takes end-of-text as a token, and nothing as that", async () => {
    const { tokens } = await figures<TokenizeData>("tokenize", "", "--model", place.model);
    expect(tokens).toEqual([{ position: 0, id: 256, piece: '"<|endoftext|>"' }]);
  });
});

describe("normless cache", () => {
  const cached = async (...argv: string[]) => {
    const out = join(place.folder, "cache.safetensors");
    const data = await figures<{ tensors: CachedTensor[]; rows: number[][] }>(
      ...["cache", "--model", place.model, ...argv, "--safetensors", out],
    );
    return { data, store: await openStore([fromBytes(new Uint8Array(await readFile(out)), out)]) };
  };

  it("writes what is named, by name and pattern, of rows of ids", async () => {
    const rows = join(place.folder, "rows.json");
    await writeFile(rows, "[[1,2,3],[4,5,6]]");
    const { data, store } = await cached(
      ...["--names", "blocks.*.attn.hook_pattern", "ln_final.hook_scale", "*.0.attn.hook_attn_scores"],
      ...["--token-ids", rows],
    );
    expect(store.names()).toEqual([
      "tokens",
      "blocks.0.attn.hook_attn_scores",
      "blocks.0.attn.hook_pattern",
      "blocks.1.attn.hook_pattern",
      "ln_final.hook_scale",
    ]);
    expect(store.info("tokens")).toMatchObject({ dtype: "I32", shape: [2, 3] });
    expect(store.info("blocks.1.attn.hook_pattern").shape).toEqual([2, 2, 3, 3]);
    const pattern = await store.readFloat32("blocks.1.attn.hook_pattern");
    for (let row = 0; row < 12; row++) {
      const shares = pattern.subarray(3 * row, 3 * row + 3);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 6);
      expect([...shares.subarray((row % 3) + 1)].every((share) => share === 0)).toBe(true);
    }
    // Masked: three of each head's nine.
    expect(data.tensors[0]).toMatchObject({ name: "blocks.0.attn.hook_attn_scores", notFinite: 12 });
    expect(data.tensors[1]).toMatchObject({ lowest: 0, highest: 1, notFinite: 0 });
    expect(data.tensors[1].mean).toBeCloseTo(1 / 3, 6);
  });

  it("writes the residual that the head reads of rows of text", async () => {
    const { data, store } = await cached("--names", "blocks.1.hook_resid_post", "--prompt", "ab", "cd");
    expect(data.rows).toEqual([
      [64, 65],
      [66, 67],
    ]);
    const final = await store.readFloat32("blocks.1.hook_resid_post");
    const loaded = await readModelFolder(place.model);
    const backend = reference();
    const params = await uploadWeights(backend, loaded.weights);
    const tokens = uploadTokens(backend, tinyConfig, { inputs: Int32Array.of(64, 65, 66, 67), B: 2, T: 2 });
    const seen: number[] = [];
    const reads: Promise<void>[] = [];
    evaluate(
      (variables) =>
        forward({ config: loaded.config, norms: loaded.norms, params: variables }, tokens, {
          hooks: {
            "blocks.1.hook_resid_post": ({ tensor }) => {
              reads.push(tensor.read().then((values) => void seen.push(...values)));
            },
          },
        }),
      params,
    );
    await Promise.all(reads);
    expect(seen).toHaveLength(final.length);
    for (const [i, value] of final.entries()) expect(value).toBeCloseTo(seen[i], 6);
  });

  it("names the nearest hooks, and says of a norm that is folded that it has none", async () => {
    const out = join(place.folder, "never.safetensors");
    const cache = (...argv: string[]) => refused("cache", "--safetensors", out, "--prompt", "ab", ...argv);
    const wrong = await cache("--model", place.model, "--names", "blocks.*.attn.hook_patern");
    expect(wrong).toContain("there is no hook blocks.0.attn.hook_patern");
    expect(wrong).toContain("blocks.*.attn.hook_pattern");
    expect(await cache("--model", place.model, "--names", "blocks.7.hook_resid_pre")).toContain(
      "blocks are 0 to 1",
    );
    expect(await cache("--model", place.folded, "--names", "ln_final.hook_scale")).toContain(
      "the norm at ln_f is folded into the weights, and divides by nothing",
    );
    const both = await cache("--model", place.model, "--names", "hook_embed", "--token-ids", "x.json");
    expect(both).toContain("give one of --prompt and --token-ids");
  });

  it("refuses rows of different lengths, ids that are no tokens, and more than a context", async () => {
    const rows = join(place.folder, "uneven.json");
    const argv = ["cache", "--model", place.model, "--names", "hook_embed", "--safetensors", `${rows}.out`];
    await writeFile(rows, "[[1,2,3],[4,5]]");
    expect(await refused(...argv, "--token-ids", rows)).toContain("row 1 has 2 tokens and row 0 has 3");
    await writeFile(rows, "[[1,2,257]]");
    expect(await refused(...argv, "--token-ids", rows)).toContain(
      "row 0 has the id 257, and the model's go to 256",
    );
    expect(await refused(...argv, "--prompt", "a".repeat(17))).toContain(
      "more than the model's context of 16",
    );
  });
});

it("--json - has standard output to itself, in commands that draw and write files, too", async () => {
  const html = join(place.folder, "compared.html");
  const { code, out, err } = await run([
    ...["compare", "--model", place.model, place.folded, "--data", join(place.model, "val.bin")],
    ...["--json", "-", "--html", html, "--threads", "1"],
  ]);
  expect([code, err]).toEqual([0, err]);
  expect(JSON.parse(out)).toMatchObject({ models: { a: place.model, b: place.folded } });
  expect(err).toContain(`Wrote ${html}`);
  expect(await refused("compare", "--model", place.model, place.folded, "--html", "-")).toContain(
    "--html -: standard output takes --json alone",
  );
});
