import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fromBytes, openStore } from "@normless/safetensors";
import { describe, expect, it } from "vitest";
import type { AttributionData } from "../../src/look-inside/attribution.js";
import { type HeadData, largestPlaces } from "../../src/look-inside/head.js";
import { figures, lookingModels, refused, result } from "./looking-models.js";
import { pageParts } from "./pages.js";

const place = lookingModels();
const sotu = new URL("../../../../models/sotu", import.meta.url).pathname;
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

describe("normless head", () => {
  it.each(["model", "folded"] as const)(
    "tells pattern and scores of a %s as the cache has them, and what they add up from",
    async (which) => {
      const model = place[which];
      const data = await figures<HeadData>(
        "head",
        "1.1",
        "--model",
        model,
        "--prompt",
        "abcd",
        "--key",
        "1",
        "--top",
        "all",
      );
      const file = join(place.folder, "head.safetensors");
      const names = ["blocks.1.attn.hook_pattern", "blocks.1.attn.hook_attn_scores"];
      await figures(
        "cache",
        "--model",
        model,
        "--prompt",
        "abcd",
        "--names",
        ...names,
        "--safetensors",
        file,
      );
      const store = await openStore([fromBytes(new Uint8Array(await readFile(file)), file)]);
      const ofHead = async (name: string) => [...(await store.readFloat32(name)).subarray(16, 32)];
      for (const [i, share] of (await ofHead(names[0])).entries()) {
        expect(data.pattern[Math.floor(i / 4)][i % 4]).toBeCloseTo(share, 6);
      }
      const score = (await ofHead(names[1]))[3 * 4 + 1];
      expect(data.scores).toMatchObject({ key: 1, exact: which === "folded" });
      expect(data.scores.score).toBeCloseTo(score, 5);
      expect(sum(data.scores.pairs.flat())).toBeCloseTo(score, 5);
      expect(sum(data.values.logits.flat())).toBeCloseTo(data.values.total, 5);
      expect(sum(data.keys.map(({ logit }) => logit))).toBeCloseTo(data.values.total, 5);
      const { parts } = await figures<AttributionData>(
        "attribute",
        "--model",
        model,
        "--prompt",
        "abcd",
        "--tokens",
        "64",
      );
      const part = parts.find(({ layer, head }) => layer === 1 && head === 1);
      const written = data.whole.most.find(({ text }) => text === data.tokenText);
      expect(written?.logit).toBeCloseTo(part?.overMean ?? NaN, 5);
    },
  );

  it("is told for the difference of two tokens, from another query", async () => {
    const head = (...argv: string[]) =>
      figures<HeadData>(
        "head",
        "0.1",
        "--model",
        place.folded,
        "--prompt",
        "abcd",
        "--position",
        "2",
        ...argv,
      );
    const both = await head("--difference", "e", "f");
    const [e, f] = [await head("--token", "e"), await head("--token", "f")];
    expect(both).toMatchObject({ query: 2, tokenText: '"e"', versusText: '"f"' });
    expect(both.keys).toHaveLength(3);
    expect(both.values.total).toBeCloseTo(e.values.total - f.values.total, 5);
    const out = await result("head", "0.1", "--model", place.folded, "--prompt", "abcd", "--top", "2");
    expect(out).toContain("QK: the score of ");
    expect(out).toContain("the other 2");
  });

  it("is a page with pattern, QK and OV, on a model that ships", async () => {
    const html = join(place.folder, "head.html");
    const prompt = ["--prompt", "The reports of the officer <b>"];
    await result("head", "5.0", "--model", sotu, ...prompt, "--difference", " are", " is", "--html", html);
    const { data, cells, text } = pageParts<HeadData>(await readFile(html, "utf8"));
    const T = data.tokens.length;
    const of = (group: string) => cells.filter((cell) => cell.group === group);
    expect(of("pattern")).toHaveLength((T * (T + 1)) / 2);
    const shares = data.pattern.flatMap((row, q) => row.slice(0, q + 1));
    expect(of("pattern").map(({ far }) => far)).toEqual(shares.map((share) => Math.round(100 * share)));
    // Of more parts than a picture has rows for, the largest.
    expect(data.scores.parts.length).toBeGreaterThan(24);
    expect(of("scores")).toHaveLength(24 * 24);
    const [[q, k]] = largestPlaces(data.scores.pairs, 1);
    const darkest = of("scores").filter(({ far }) => far === 100);
    expect(darkest).toHaveLength(1);
    expect(darkest[0].below).toBe(data.scores.pairs[q][k] < 0);
    expect(of("values")).toHaveLength(24 * T);
    expect(text).toContain(`The 24 parts with the largest amounts of ${data.scores.parts.length}`);
  });

  it("refuses what is no head, a key after the query, and an exact form behind a LayerNorm", async () => {
    const head = (name: string, ...argv: string[]) =>
      refused("head", name, "--model", place.model, "--prompt", "abc", ...argv);
    expect(await head("1")).toContain("1 is no head; give its layer and its number, as in 0.1");
    expect(await head("2.0")).toContain(
      "there is no head 2.0; the model has layers 0 to 1 with heads 0 to 1",
    );
    expect(await head("0.0", "--position", "0", "--key", "2")).toContain("key 2 comes after query 0");
    expect(await head("0.0", "--key", "3")).toContain("--key 3 is outside the prompt");
    expect(await head("0.0", "--exact")).toContain("no exact form here, since the norm at h.0.ln_1:qk is ");
    expect(await head("0.0", "--token", "ab")).toContain('"a" "b", and a logit belongs to one');
  });
});
