import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freezeAll, initWeights, normModules, standardNorms } from "@normless/gpt2";
import { readModelFolder, writeModelFolder } from "@normless/gpt2/node";
import { writeNanogptShard } from "@normless/text";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Figures } from "../../src/evaluate/figures.js";
import { run, tinyConfig, writeTiny } from "../support/tiny.js";

let folder: string;
let model: string;
/** The same tokenizer, other norms. */
let frozen: string;
let val: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-eval-"));
  ({ model } = await writeTiny(folder));
  val = join(model, "val.bin");
  frozen = join(folder, "frozen");
  const loaded = await readModelFolder(model);
  const stds = Object.fromEntries(normModules(tinyConfig).map((name, i) => [name, 0.02 + 0.01 * i]));
  await writeModelFolder(frozen, { ...loaded, norms: freezeAll(loaded.norms, stds) });
});
afterAll(() => rm(folder, { recursive: true }));

const argv = (...more: string[]) => ["eval", "--threads", "1", "--resamples", "200", ...more];
async function result(...more: string[]): Promise<string> {
  const { code, out, err } = await run(argv(...more));
  expect(err).not.toContain("normless:");
  expect(code).toBe(0);
  return out;
}
async function refused(code: number, ...more: string[]): Promise<string> {
  const ran = await run(argv(...more));
  expect(ran.code).toBe(code);
  return ran.err;
}
/** What --json wrote. */
async function figures(...more: string[]): Promise<Figures & { settings: Record<string, unknown> }> {
  const path = join(folder, "figures.json");
  await result(...more, "--json", path);
  return JSON.parse(await readFile(path, "utf8")) as Figures & { settings: Record<string, unknown> };
}
async function write(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}
const bracketed = String.raw`\[\S+, \S+\]`;

describe("normless eval on tokens", () => {
  it("tells loss, interval and spread of each file", async () => {
    const text = await result("--model", model, "--data", val, join(model, "train.bin"));
    expect(text).toMatch(new RegExp(String.raw`val\.bin .* 5\.\d{4} ${bracketed} .* 399 `));
    expect(text).toMatch(new RegExp(String.raw`train\.bin .* 5\.\d{4} ${bracketed} .* 2,999 `));
    expect(text).toMatch(/median token .* 95 % of tokens .* 99\.9 % of tokens/);
    expect(text).not.toContain("to the first");
    // The model's own validation tokens are the default.
    expect(await result("--model", model)).toBe(await result("--model", model, "--data", val));
  });

  it("compares models on the same sequences", async () => {
    const text = await result("--model", model, frozen, model, "--data", val, "--position-rows", "0");
    const rows = text.split("\n").filter((line) => line.includes(folder));
    // A line with the file, then three models in two tables.
    expect(rows).toHaveLength(7);
    expect(rows[2]).toMatch(
      new RegExp(String.raw`frozen .* 5\.\d{4} ${bracketed} .* [+−]0\.\d{4} ${bracketed} `),
    );
    expect(rows[3]).toMatch(/ 0\.0000 \[0\.0000, 0\.0000\] /);
    expect(await result("--model", model, model)).toMatch(/ model +│ .* to the first /);
  });

  it("writes figures that come to the table's, the same for the same seed", async () => {
    const { corpora, settings } = await figures("--model", model, frozen, "--data", val, "--seed", "4");
    expect(settings).toMatchObject({ blockSize: 16, eotTargets: true, seed: 4, resamples: 200 });
    const [first, second] = corpora;
    expect(first).toMatchObject({ model, data: val, targets: 399 });
    expect(first.sequences.targets).toEqual([...Array.from({ length: 24 }, () => 16), 15]);
    const mean = ({ nats }: { readonly nats: readonly number[] }) => nats.reduce((a, b) => a + b) / 399;
    expect(first.loss.value).toBeCloseTo(mean(first.sequences), 10);
    expect(first.perplexity).toBeCloseTo(Math.exp(first.loss.value), 8);
    expect(second.loss.toFirst?.value).toBeCloseTo(mean(second.sequences) - mean(first.sequences), 10);
    expect(second.loss.toFirst?.interval?.low).toBeLessThan(second.loss.toFirst?.interval?.high ?? 0);
    const { low999, low95, median, high95, high999 } = first.quantiles;
    const order = [low999, low95, median, high95, high999];
    expect([...order].sort((a, b) => a - b)).toEqual(order);
    expect(await figures("--model", model, frozen, "--data", val, "--seed", "4")).toEqual({
      ...{ corpora, settings, hellaswag: [], lambada: [] },
      models: [
        { name: model, engine: expect.any(String) as string },
        { name: frozen, engine: expect.any(String) as string },
      ],
    });
    const other = await figures("--model", model, frozen, "--data", val, "--seed", "5");
    expect(other.corpora[0].loss.value).toBe(first.loss.value);
    expect(other.corpora[0].loss.interval).not.toEqual(first.loss.interval);
  });

  it("leaves out end-of-text targets, and stops after so many, when asked", async () => {
    const all = (await figures("--model", model, "--data", val)).corpora[0];
    const rest = (await figures("--model", model, "--data", val, "--no-eot-targets")).corpora[0];
    const tokens = new Uint16Array((await readFile(val)).buffer.slice(0));
    expect(rest.targets).toBeLessThan(all.targets);
    expect(all.targets - rest.targets).toBeLessThan(tokens.length / 10);
    const few = (await figures("--model", model, "--data", val, "--tokens", "100", "--block-size", "10"))
      .corpora[0];
    expect(few.targets).toBe(100);
    expect(few.sequences.targets).toEqual(Array.from({ length: 10 }, () => 10));
  });

  it("tells loss, difference and KL by what a row starts with and by position", async () => {
    const text = await result("--model", model, frozen, "--data", val);
    const head = "plain windows │ +end-of-text, mid-text │ +end-of-text, document";
    for (const figure of [
      String.raw`cross-entropy \(nats/token\)`,
      "cross-entropy − first’s",
      String.raw`KL\(first‖model\)`,
    ]) {
      expect(text).toMatch(new RegExp(`│ ${figure} at position │ +${head} │`));
    }
    expect(text.match(/│ 8–15 +│/g)).toHaveLength(4);
    expect(text).toContain(`${frozen} on ${val}, by what a row starts with and by position:`);
    const { corpora, settings } = await figures("--model", model, frozen, "--data", val);
    expect(settings).toMatchObject({ positionRows: 256 });
    const [first, second] = corpora.map(({ positions }) => positions);
    expect(first?.kinds.map(({ kind }) => kind)).toEqual(["plain", "eot-middle", "eot-document"]);
    // All windows are looked at here, so that their mean is the loss.
    expect(first?.kinds[0].all.loss.value).toBeCloseTo(corpora[0].loss.value, 10);
    expect(second?.kinds[0].all.toFirst?.value).toBeCloseTo(corpora[1].loss.toFirst?.value ?? NaN, 10);
    expect(first?.kinds[0].all).not.toHaveProperty("kl");
    for (const { all, ranges, curve } of second?.kinds ?? []) {
      expect(ranges.map(({ range }) => range.begin)).toEqual([0, 1, 2, 8]);
      expect(curve.map(({ range }) => range.begin)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14]);
      expect(curve[0].kl).toBeCloseTo(ranges[0].kl?.value ?? NaN, 10);
      expect(curve[1].loss).toBeCloseTo(ranges[1].loss.value, 10);
      expect(all.kl?.value).toBeGreaterThan(0);
    }
    const few = (await figures("--model", model, "--data", val, "--position-rows", "7")).corpora[0].positions;
    expect(few?.kinds.map(({ rows, available }) => [rows, available]).slice(0, 2)).toEqual([
      [7, 25],
      [7, 25],
    ]);
    const none = await figures("--model", model, "--data", val, "--position-rows", "0");
    expect(none.corpora[0]).not.toHaveProperty("positions");
  });

  it("names what it cannot measure by position, and why", async () => {
    const one = await write("one.bin", writeNanogptShard(Uint16Array.from({ length: 40 }, (_, i) => 60 + i)));
    const text = await result("--model", model, "--data", one);
    expect(text).toContain(
      "not measured: end-of-text, document: the text has no end-of-text, so that nobody knows where its documents begin",
    );
    const wide = join(folder, "wide");
    const config = { ...tinyConfig, vocabSize: 264 };
    await writeModelFolder(wide, {
      ...{ config, weights: initWeights(config, 2), norms: standardNorms(config) },
      tokenizerFiles: (await readModelFolder(model)).tokenizerFiles,
    });
    const both = await result("--model", model, wide, "--data", one);
    expect(both).toContain("not measured: KL: the first model has 257 logits and this one 264");
    expect(both).toContain("cross-entropy − first’s at position");
    expect(both).not.toContain("KL(first‖model)");
    const { corpora } = await figures("--model", model, wide, "--data", one);
    expect(corpora[1].positions?.notMeasured).toMatchObject([{ figure: "kl" }, { kind: "eot-document" }]);
    const short = await write("short.bin", writeNanogptShard(Uint16Array.of(65, 66, 256, 67, 256)));
    expect(await result("--model", model, "--data", short)).toContain(
      "not measured: end-of-text, document, position 8–15: the longest row has 3 tokens",
    );
  });

  it("reads jsonl and parquet by their columns", async () => {
    const texts = Array.from({ length: 30 }, (_, i) => `Fellow citizens ${i}`);
    const lines = await write("a.jsonl", texts.map((body) => `${JSON.stringify({ body })}\n`).join(""));
    const columnData = [{ name: "text", data: texts }];
    const parquet = await write("a.parquet", new Uint8Array(parquetWriteBuffer({ columnData })));
    const options = ["--model", model, "--rows", "20"];
    const [one] = (await figures(...options, "--data", lines, "--text-column", "body")).corpora;
    const [two] = (await figures(...options, "--data", parquet)).corpora;
    // A byte is a token, and an end-of-text follows each document; the first token is no target.
    expect(one.targets).toBe(texts.slice(0, 20).join("").length + 20 - 1);
    expect(two.sequences).toEqual(one.sequences);
    expect(await refused(2, ...options, "--data", lines)).toContain('there is no column "text"');
    const both = ["--text-column", "a", "--token-column", "b"];
    expect(await refused(2, ...options, "--data", lines, ...both)).toContain("cannot be used with");
  });

  it("refuses what cannot be compared, before it begins", async () => {
    const other = join(folder, "other");
    await cp(model, other, { recursive: true });
    const vocab = JSON.parse(await readFile(join(other, "vocab.json"), "utf8")) as Record<string, number>;
    const [a, b] = ["a", "b"];
    const swapped = { ...vocab, [a]: vocab[b], [b]: vocab[a] };
    await writeFile(join(other, "vocab.json"), JSON.stringify(swapped));
    const message = await refused(2, "--model", model, other, "--data", val);
    expect(message).toMatch(
      /model and .*other: the tokenizers differ: token \d+ is "a" in the first and "b" in the second, .*\. Evaluate them one/,
    );
    expect(message).not.toContain("validating");

    // A vocabulary that is padded holds the same tokens.
    const padded = join(folder, "padded");
    const wide = { ...tinyConfig, vocabSize: 264 };
    await writeModelFolder(padded, {
      ...{ config: wide, weights: initWeights(wide, 2), norms: standardNorms(wide) },
      tokenizerFiles: (await readModelFolder(model)).tokenizerFiles,
    });
    await result("--model", model, padded, "--data", val);

    // A shorter context is kept to unless the sequences are asked to be longer.
    const short = join(folder, "short");
    const config = { ...tinyConfig, blockSize: 8 };
    const { tokenizerFiles } = await readModelFolder(model);
    await writeModelFolder(short, {
      ...{ config, weights: initWeights(config, 2), norms: standardNorms(config), tokenizerFiles },
    });
    const { settings } = await figures("--model", model, short, "--data", val);
    expect(settings.blockSize).toBe(8);
    expect(await refused(2, "--model", model, short, "--data", val, "--block-size", "16")).toMatch(
      /16 tokens a sequence are more than the context of .*short, 8; give --block-size 8/,
    );
    const eots = await write("eots.bin", writeNanogptShard(new Uint16Array(9).fill(256)));
    expect(await refused(1, "--model", model, "--data", eots, "--no-eot-targets")).toContain(
      "every target is end-of-text",
    );
  });
});

it("ends at Control-C, which leaves no bar behind", async () => {
  expect((await run(argv("--model", model), "validating")).err).toContain("would have ended with 130");
});

it("refuses options for what it is not asked to measure", async () => {
  const items = await write("items.txt", "x: y\n0\na\nb\nc\nd\n");
  const one = ["--model", model];
  expect(await refused(2, ...one, "--scoring", "both", "--lambada", items)).toContain("add --hellaswag FILE");
  expect(await refused(2, ...one, "--tokens", "100", "--limit", "3")).toContain(
    "add --hellaswag FILE or --lambada FILE. Tokens are limited by --tokens",
  );
  for (const option of [
    ...[
      ["--rows", "1"],
      ["--tokens", "1"],
      ["--block-size", "1"],
      ["--text-column", "a"],
      ["--token-column", "a"],
      ["--position-rows", "1"],
    ],
    ["--no-eot-targets"],
  ]) {
    expect(await refused(2, ...one, "--hellaswag", items, ...option)).toContain(
      `${option[0]} is for the cross-entropy on tokens, and only tasks are asked for; add --data FILE`,
    );
  }
  expect(await refused(2, ...one, "--rows", "2")).toContain(
    `--rows: only .jsonl and .parquet files have rows, and there is none among ${val}`,
  );
});

describe("normless eval on tasks", () => {
  const hellaswag = fileURLToPath(new URL("../fixtures/hellaswag.txt", import.meta.url));

  it("scores HellaSwag both ways, and says what a short context does not see", async () => {
    const ran = await run(argv("--model", model, frozen, "--hellaswag", hellaswag, "--limit", "5"));
    expect(ran.code).toBe(0);
    expect(ran.out).toContain("HellaSwag, scored as completion: 5 items");
    expect(ran.out).toContain("HellaSwag, scored as harness: 5 items");
    expect(ran.out).toMatch(/acc \(%\) .* to the first .* acc_norm \(%\) .* to the first/);
    expect(ran.err).toMatch(
      /20 of 20 texts are longer than its context of 16 tokens; of those it sees the end/,
    );
    // No tokens were asked for.
    expect(ran.out).not.toContain("nats/token");
    const found = await figures("--model", model, "--hellaswag", hellaswag, "--scoring", "harness");
    expect(found.hellaswag.map(({ scoring }) => scoring)).toEqual(["harness"]);
    expect(found.hellaswag[0].endings).toHaveLength(80);
    expect(found.hellaswag[0].acc.value * 20).toBeCloseTo(Math.round(found.hellaswag[0].acc.value * 20), 10);
  });

  it("asks the same of the same ending, whichever is the right one", async () => {
    const item = (answer: number) =>
      `Label: the Union\n${answer}\n${["xx", "yyyy", "z", "wwwwww"].join("\n")}\n`;
    const path = await write("items.txt", [0, 1, 2, 3].map(item).join(""));
    const { hellaswag: rows } = await figures("--model", model, "--hellaswag", path);
    for (const { acc, accNorm, endings } of rows) {
      expect([acc.value, accNorm.value]).toEqual([0.25, 0.25]);
      expect(endings.slice(4, 8)).toEqual(endings.slice(0, 4));
      expect(endings[2].nats).toBeLessThan(endings[3].nats);
    }
  });

  it("tells the accuracy and perplexity of LAMBADA's last words", async () => {
    const path = await write("lambada.txt", "He went home\nThe State of the Union\n");
    const text = await result("--model", model, frozen, "--lambada", path);
    expect(text).toContain("LAMBADA: the last words of 2 passages");
    const { lambada } = await figures("--model", model, frozen, "--lambada", path);
    const [{ words, perplexity, accuracy }, second] = lambada;
    // A space and four bytes; a space and five bytes.
    expect(words.map(({ tokens }) => tokens)).toEqual([5, 6]);
    expect(perplexity.value).toBeCloseTo(Math.exp((words[0].nats + words[1].nats) / 2), 6);
    expect(accuracy.value).toBe(words.filter(({ greedy }) => greedy).length / 2);
    expect(second.perplexity.toFirst?.value).toBeCloseTo(second.perplexity.value - perplexity.value, 6);
  });

  it("needs a tokenizer, and says so at once", async () => {
    const bare = join(folder, "bare");
    const config = { ...tinyConfig, blockSize: 8 };
    await writeModelFolder(bare, { config, weights: initWeights(config, 2), norms: standardNorms(config) });
    expect(await refused(2, "--model", bare, "--hellaswag", hellaswag)).toMatch(/bare: .* has no tokenizer/);
    expect(await refused(1, "--model", model, "--lambada", join(folder, "gone.txt"))).toContain(
      "gone.txt: there is no such file",
    );
  });
});
