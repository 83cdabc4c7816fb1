import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { foldModel, freezeAll, initWeights, normModules } from "@normless/gpt2";
import { readModelFolder, writeModelFolder } from "@normless/gpt2/node";
import { END_OF_TEXT } from "@normless/text";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AttributionData } from "../../src/look-inside/attribution.js";
import type { ComparisonData } from "../../src/compare/comparison-data.js";
import { run, tinyConfig, writeTiny } from "../support/tiny.js";

let folder: string;
let model: string;
let folded: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-compare-"));
  ({ model } = await writeTiny(folder));
  folded = join(folder, "folded");
  const loaded = await readModelFolder(model);
  const stds = Object.fromEntries(normModules(tinyConfig).map((name, i) => [name, 0.02 + 0.01 * i]));
  const frozen = { ...loaded, norms: freezeAll(loaded.norms, stds) };
  await writeModelFolder(folded, { ...foldModel(frozen), tokenizerFiles: loaded.tokenizerFiles });
});
afterAll(() => rm(folder, { recursive: true }));

/** Runs a command that must succeed; its standard output. */
async function result(...argv: string[]): Promise<string> {
  const { code, out, err } = await run([...argv, "--threads", "1"]);
  // eval tells how far it is.
  expect(err).toMatch(/^(validating: .*\n)*$/);
  expect(code).toBe(0);
  return out;
}

const refused = async (...argv: string[]) => {
  const { code, err } = await run(argv);
  expect(code).toBe(2);
  return err;
};

describe("normless compare", () => {
  it("prints tables and passages, and writes the same as JSON and as a page", async () => {
    const [json, html] = [join(folder, "c.json"), join(folder, "c.html")];
    const out = await result("compare", "--model", model, folded, "--json", json, "--html", html);
    const data = JSON.parse(await readFile(json, "utf8")) as ComparisonData;
    expect(data.models).toEqual({ a: model, b: folded });
    expect(data).toMatchObject({ tokens: 399, sequences: 25, blockSize: 16 });
    expect(out).toContain(`399 tokens of ${join(model, "val.bin")}, in 25 sequences of 16`);
    const { a, b } = data.loss;
    expect(out).toMatch(
      new RegExp(`cross-entropy \\(nats/token\\) .* ${a.value.toFixed(4)} .* ${b.value.toFixed(4)} `),
    );
    expect(out).toContain(` ${data.jsd.value.toFixed(5)} `);
    expect(data.jsd.value).toBeGreaterThan(0);
    for (const { module, mean } of data.norms.b) {
      const rest = mean.rest?.toPrecision(4);
      expect(out).toMatch(new RegExp(`│ ${module.replaceAll(".", "\\.")} .* ${rest} │`));
    }
    expect(out).toMatch(
      /│ KL\(A‖B\) at position │ +plain windows │ +end-of-text, mid-text │ +end-of-text, document │/,
    );
    const plain = data.positions?.b.kinds[0];
    expect(plain?.all.kl?.value).toBeCloseTo(data.klAB.value, 5);
    expect(plain?.all.toFirst?.value).toBeCloseTo(data.loss.difference.value, 5);
    for (const { kl } of plain?.ranges ?? []) expect(out).toContain(` ${kl?.value.toFixed(4)} [`);
    expect(data.attention.a.map(({ layer }) => layer)).toEqual([0, 1]);
    const [passage] = data.passages;
    expect(out).toContain(`mean Jensen-Shannon divergence ${passage.jsd.toFixed(4)}`);
    expect(passage.words).toHaveLength(passage.tokens.length);
    const page = await readFile(html, "utf8");
    expect(page).toContain("KL(A‖B), nats per token");
    expect(page).toContain(`${data.loss.difference.value < 0 ? "below" : "above"} A’s`);
    expect(out).toContain(`Wrote ${html}`);
  });

  it("gives the loss of eval, of the first tokens alone where asked", async () => {
    const [line] = (await result("eval", "--model", folded, "--data", join(model, "val.bin")))
      .split("\n")
      .filter((row) => row.includes("val.bin"));
    const loss = Number(/5\.\d+/.exec(line)?.[0]);
    const json = join(folder, "all.json");
    await result("compare", "--model", model, folded, "--tokens", "all", "--json", json);
    const all = JSON.parse(await readFile(json, "utf8")) as ComparisonData;
    expect(all.loss.b.value).toBeCloseTo(loss, 4);
    await result("compare", "--model", model, folded, "--tokens", "50", "--block-size", "10", "--json", json);
    const some = JSON.parse(await readFile(json, "utf8")) as ComparisonData;
    expect(some).toMatchObject({ tokens: 50, sequences: 5, blockSize: 10 });
    // Windows are those of the comparison; documents are looked for in more of the text.
    const [windows, , documents] = some.positions?.a.kinds ?? [];
    expect(windows).toMatchObject({ rows: 5, available: 5 });
    expect(documents.rows).toBe(all.positions?.a.kinds[2].rows);
    await result(
      "compare",
      "--model",
      model,
      folded,
      "--tokens",
      "50",
      "--position-rows",
      "0",
      "--json",
      json,
    );
    expect(JSON.parse(await readFile(json, "utf8"))).not.toHaveProperty("positions");
  });

  it("reads text, and shows its words", async () => {
    const text = join(folder, "text.txt");
    await writeFile(text, `Fünf Füchse${END_OF_TEXT}flohen.`);
    const json = join(folder, "text.json");
    await result("compare", "--model", model, folded, "--data", text, "--json", json);
    const { passages } = JSON.parse(await readFile(json, "utf8")) as ComparisonData;
    for (const { textBefore, words } of passages) {
      const passage = textBefore + words.map((word) => word.text).join("");
      expect(`Fünf Füchse${END_OF_TEXT}flohen.${END_OF_TEXT}`).toContain(passage.replaceAll("\ufffd", ""));
    }
  });

  it("refuses other vocabularies, other tokenizers, and more than the context", async () => {
    const loaded = await readModelFolder(model);
    const other = join(folder, "other");
    const config = { ...tinyConfig, vocabSize: 300 };
    await writeModelFolder(other, { config, weights: initWeights(config, 1), norms: loaded.norms });
    expect(await refused("compare", "--model", model, other)).toContain(
      "the vocabularies have 257 and 300 tokens",
    );
    const { tokenizerFiles: same } = loaded;
    const padded = join(folder, "padded");
    await writeModelFolder(padded, {
      config,
      weights: initWeights(config, 1),
      norms: loaded.norms,
      tokenizerFiles: same,
    });
    expect(await refused("compare", "--model", model, padded)).toContain(
      `read the same tokens, but one has 257 logits and the other 300: of such predictions only the cross-entropies can be ` +
        `compared, normless eval --model ${model} ${padded}`,
    );
    const swapped = join(folder, "swapped");
    const vocab = JSON.parse(loaded.tokenizerFiles["vocab.json"]) as Record<string, number>;
    [vocab["a"], vocab["b"]] = [vocab["b"], vocab["a"]];
    const tokenizerFiles = { ...loaded.tokenizerFiles, "vocab.json": JSON.stringify(vocab) };
    await writeModelFolder(swapped, { ...loaded, tokenizerFiles });
    expect(await refused("compare", "--model", model, swapped)).toMatch(
      /token \d+ is "a" in the first and "b" in the second/,
    );
    expect(await refused("compare", "--model", model, folded, "--block-size", "17")).toContain("16 and 16");
    expect(await refused("compare", "--model", folded, model)).toContain("has no val tokens");
    expect(await refused("compare", "--model", model)).toContain(
      "two models are compared, and there are 1; give --model A B",
    );
  });
});

describe("normless attribute", () => {
  it("takes a logit apart, and says how far a LayerNorm puts the parts off", async () => {
    const json = join(folder, "a.json");
    const argv = ["attribute", "--model", model, "--prompt", "ab", "--json", json];
    const out = await result(...argv, "--tokens", "80", "--top", "3");
    const data = JSON.parse(await readFile(json, "utf8")) as AttributionData;
    expect(data.parts.reduce((sum, { logit }) => sum + logit, 0)).toBeCloseTo(data.logit, 5);
    expect(data).toMatchObject({ predicted: true, exact: false, position: 1 });
    expect(out).toContain(`the logit of ${data.tokenText} after "ab", the likeliest`);
    expect(out).toMatch(/the other 10 /);
    expect(data.error).toMatchObject({ sequences: 5, blockSize: 16 });
    expect(data.error?.nmae.value).toBeGreaterThan(1e-3);
    const nmae = 100 * (data.error?.nmae.value ?? NaN);
    expect(out).toContain(`${nmae.toFixed(2)} %`);
    const parts = (await result(...argv, "--tokens", "80", "--top", "all")).split("\n");
    expect(parts.filter((line) => /h\.\d head \d/.test(line))).toHaveLength(4);
  });

  it("has nothing to put right in a folded model", async () => {
    const out = await result("attribute", "--model", folded, "--prompt", "ab", "--token", "c");
    expect(out).toContain('the logit of "c" after "ab", given');
    const within = Number(/within (\S+) of the largest/.exec(out)?.[1]);
    expect(within).toBeLessThan(1e-5);
    expect(out).toContain("each part is what leaving it out would take away, exactly");
    expect(out).not.toContain("NMAE");
  });

  it("asks for a text to measure on, one token, and no more than the context", async () => {
    const bare = join(folder, "bare");
    await writeModelFolder(bare, await readModelFolder(model));
    const out = await result("attribute", "--model", bare, "--prompt", "");
    expect(out).toContain("NMAE was not measured: give tokens with --data FILE");
    const attribute = (...more: string[]) => refused("attribute", "--model", model, ...more);
    expect(await attribute("--prompt", "a", "--token", "ab")).toContain('--token "ab" is 2 tokens');
    expect(await attribute("--prompt", "a".repeat(17))).toContain(
      "17 tokens, more than the model's context of 16",
    );
  });
});
