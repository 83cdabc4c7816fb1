import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { AttributionData, PromptsAttributionData } from "../../src/look-inside/attribution.js";
import { promptLines } from "../../src/look-inside/prompt-file.js";
import { pageParts } from "./pages.js";
import { figures, lookingModels, refused, result } from "./looking-models.js";

const place = lookingModels();
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

describe("normless attribute --difference", () => {
  it("tells the difference of two logits by part, and over positions", async () => {
    const attribute = (...argv: string[]) =>
      figures<AttributionData>("attribute", "--model", place.folded, "--prompt", "abc", ...argv);
    const data = await attribute("--difference", "d", "e", "--over-positions");
    const [d, e] = [await attribute("--token", "d"), await attribute("--token", "e")];
    expect(data).toMatchObject({ exact: true, offBy: 0, tokenText: '"d"', versusText: '"e"', position: 2 });
    expect(data.logit).toBeCloseTo(d.logit - e.logit, 6);
    for (const [i, part] of data.parts.entries()) {
      expect(part.logit).toBeCloseTo(d.parts[i].logit - e.parts[i].logit, 6);
      expect(part.logit).toBeCloseTo(part.direct, 6);
    }
    expect(data.overPositions?.map(({ text }) => text)).toEqual(['"a"', '"b"', '"c"']);
    for (const { position, logit, parts } of data.overPositions ?? []) {
      const there = await attribute("--difference", "d", "e", "--position", String(position - 3));
      expect(there.position).toBe(position);
      expect(logit).toBe(there.logit);
      expect(sum(parts.map((part) => part.logit))).toBeCloseTo(logit, 5);
    }
  });

  it("is in the terminal with its sums after every token", async () => {
    const argv = ["--prompt", "abc", "--difference", "d", "e", "--over-positions"];
    const out = await result("attribute", "--model", place.folded, ...argv);
    expect(out).toContain('the difference of logits "d" − "e" after "abc"');
    expect(out).toMatch(/1 "b" +│/);
    expect(out).toContain("each part is what leaving it out would take away, exactly");
  });

  it("is refused with the pieces of a word, for other than two, outside of the prompt, and exact behind a LayerNorm", async () => {
    const attribute = (...argv: string[]) =>
      refused("attribute", "--model", place.model, "--prompt", "abc", ...argv);
    expect(await attribute("--difference", "de", "f")).toContain(
      '--difference "de" is 2 tokens, "d" "e", and a logit belongs to one',
    );
    expect(await attribute("--difference", "d")).toContain(
      "takes two tokens, the right one and the wrong one, and there are 1",
    );
    expect(await attribute("--position", "3")).toContain(
      "--position 3 is outside the prompt, whose 3 positions are 0 to 2",
    );
    expect(await attribute("--exact")).toContain("there is no exact form here, since the norm at ln_f is ");
    expect(await refused("attribute", "--model", place.model)).toContain("--prompt TEXT, or a file of them");
    expect(await attribute("--prompts", "x.jsonl")).toContain(
      "--prompt is of one prompt, and --prompts has many",
    );
  });
});

describe("normless attribute --prompts", () => {
  const pairs = ["ab", "cb", "db"].map((clean, i) => ({
    ...{ clean, corrupted: "xb", answer: "efg"[i], wrong: "h" },
  }));

  it("is the mean over the prompts of a file", async () => {
    const file = join(place.folder, "three.jsonl");
    await writeFile(file, promptLines(pairs));
    const data = await figures<PromptsAttributionData>(
      "attribute",
      "--model",
      place.folded,
      "--prompts",
      file,
    );
    const alone: AttributionData[] = [];
    for (const { clean, answer, wrong } of pairs) {
      const argv = ["--prompt", clean, "--difference", answer, wrong];
      alone.push(await figures("attribute", "--model", place.folded, ...argv));
    }
    expect(data).toMatchObject({ prompts: 3, exact: true, file });
    expect(data.logit.value).toBeCloseTo(sum(alone.map(({ logit }) => logit)) / 3, 10);
    for (const [i, { name, logit }] of data.parts.entries()) {
      expect(name).toBe(alone[0].parts[i].name);
      expect(logit.value).toBeCloseTo(sum(alone.map(({ parts }) => parts[i].logit)) / 3, 10);
      expect(logit.interval?.low).toBeLessThanOrEqual(logit.value);
    }
  });

  it("is a page, as one prompt is, that holds its data and shows them", async () => {
    const file = join(place.folder, "page.jsonl");
    await writeFile(file, promptLines(pairs));
    const html = join(place.folder, "attribution.html");
    await result("attribute", "--model", place.folded, "--prompts", file, "--html", html);
    const many = pageParts<PromptsAttributionData>(await readFile(html, "utf8"));
    expect(many.data.prompts).toBe(3);
    // Two embeddings, and for each of two blocks two heads, MLP and two biases, and the last bias.
    expect(many.cells).toHaveLength(13);
    const argv = ["--prompt", "a<b", "--difference", "d", "e"];
    await result("attribute", "--model", place.model, ...argv, "--tokens", "64", "--html", html);
    const one = pageParts<AttributionData>(await readFile(html, "utf8"));
    expect(one.data.overPositions).toHaveLength(3);
    expect(one.text).toContain("after &quot;a&lt;b&quot;");
    expect(one.text).toContain("A LayerNorm stands before the head");
    // The cells of the first picture are the parts, as dark as they are large, hatched below 0.
    const largest = Math.max(...one.data.parts.map(({ logit }) => Math.abs(logit)));
    for (const { logit, head, layer } of one.data.parts) {
      if (head === undefined) continue;
      const cell = one.cells.find(({ note }) => note.includes(`h.${layer} head ${head}`));
      expect(cell?.far).toBe(Math.round((100 * Math.abs(logit)) / largest));
      expect(cell?.below).toBe(logit < 0);
    }
    // Embeddings, heads and MLP of two blocks, biases, and all, after three tokens.
    expect(one.cells).toHaveLength(13 + 7 * 3);
  });
});
