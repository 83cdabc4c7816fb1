import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { AttributionData } from "../../src/look-inside/attribution.js";
import { type PatchData, patchName, patchPlace } from "../../src/look-inside/patching.js";
import { promptLines, readPromptFile } from "../../src/look-inside/prompt-file.js";
import { figures, lookingModels, refused, result } from "./looking-models.js";
import { pageParts } from "./pages.js";

const place = lookingModels();
const sotu = new URL("../../../../models/sotu", import.meta.url).pathname;
const pair = ["abc", "xbc", "--difference", "d", "e"];
const every = ["--what", "residual", "attention", "mlp", "heads", "heads-by-position"];

describe("normless patch", () => {
  it.each(["model", "folded"] as const)(
    "puts each patch of a %s on a scale from the corrupted prompt to the clean one",
    async (which) => {
      const data = await figures<PatchData>("patch", "--model", place[which], ...pair, ...every);
      const alone = async (prompt: string) =>
        (
          await figures<AttributionData>(
            "attribute",
            "--model",
            place[which],
            "--prompt",
            prompt,
            ...pair.slice(2),
            "--tokens",
            "64",
          )
        ).logit;
      expect(data.clean).toBeCloseTo(await alone("abc"), 5);
      expect(data.corrupted).toBeCloseTo(await alone("xbc"), 5);
      expect(data.tokens[0]).toEqual({ clean: '"a"', corrupted: '"x"' });
      const shapes = Object.fromEntries(data.kinds.map(({ kind, shape }) => [kind, shape]));
      expect(shapes).toEqual({
        ...{
          residual: [2, 3],
          attention: [2, 3],
          mlp: [2, 3],
          heads: [2, 2],
          "heads-by-position": [2, 2, 3],
        },
      });
      for (const { values, normalised, error, linearises } of data.kinds) {
        for (const [i, value] of values.entries()) {
          expect(normalised[i]).toBeCloseTo((value - data.corrupted) / (data.clean - data.corrupted), 10);
        }
        expect(error).toBeGreaterThan(0);
        expect(linearises.includes("LayerNorm")).toBe(which === "model");
      }
      // Before the first block only the first token differs: its embedding brings everything back.
      const [residual] = data.kinds;
      expect(residual.normalised[0]).toBeCloseTo(1, 4);
      expect(residual.normalised[1]).toBeCloseTo(0, 4);
      expect(residual.normalised[2]).toBeCloseTo(0, 4);
    },
  );

  it("says how far attribution patching is off, by its own figures", async () => {
    const { kinds } = await figures<PatchData>("patch", "--model", place.model, ...pair);
    for (const { normalised, attributed, error } of kinds) {
      const off = normalised.reduce((sum, value, i) => sum + Math.abs(attributed[i] - value), 0);
      expect(error).toBeCloseTo(off / normalised.reduce((sum, value) => sum + Math.abs(value), 0), 6);
    }
    const text = await result("patch", "--model", place.model, ...pair, "--top", "2");
    expect(text).toContain("the other 4: less than that");
    expect(text).toContain("takes softmax, GELU, LayerNorm as linear");
  });

  it("is a page with a picture of each kind, real and to first order", async () => {
    const html = join(place.folder, "patch.html");
    await result(
      "patch",
      "--model",
      place.folded,
      "<b>c",
      "</bc",
      "--difference",
      "<",
      "&",
      ...every,
      "--html",
      html,
    );
    const { data, cells } = pageParts<PatchData>(await readFile(html, "utf8"));
    expect(cells).toHaveLength(data.kinds.reduce((sum, { values }) => sum + 2 * values.length, 0));
    const kind = data.kinds.find((one) => one.kind === "heads-by-position")!;
    const largest = Math.max(...[...kind.normalised, ...kind.attributed].map(Math.abs));
    const drawn = cells.filter(({ group }) => group === "heads-by-position-patched");
    for (const [i, value] of kind.normalised.entries()) {
      const { layer, head, position } = patchPlace(kind, i);
      const [from, to] = [`h.${layer} head ${head} at ${position} `, patchName(data, kind, i)];
      expect(to).toContain(from);
      const cell = drawn.find(({ note }) => note.includes(from));
      expect([cell?.far, cell?.below]).toEqual([Math.round((100 * Math.abs(value)) / largest), value < 0]);
    }
  });

  it("is the mean over the pairs of a file, on a model that ships", async () => {
    const file = join(place.folder, "agreement.jsonl");
    await result("prompts", "agreement", "--model", sotu, "--count", "6", "--jsonl", file);
    const data = await figures<PatchData>("patch", "--model", sotu, "--prompts", file, "--what", "residual");
    const pairs = await readPromptFile(file);
    const logits = async (side: "clean" | "corrupted") => {
      const all = [];
      for (const one of pairs) {
        const argv = ["--prompt", one[side], "--difference", one.answer, one.wrong, "--tokens", "256"];
        all.push((await figures<AttributionData>("attribute", "--model", sotu, ...argv)).logit);
      }
      return all.reduce((sum, logit) => sum + logit, 0) / all.length;
    };
    expect(data.clean).toBeCloseTo(await logits("clean"), 4);
    expect(data.corrupted).toBeCloseTo(await logits("corrupted"), 4);
    // The verb agrees with the noun, which is the second token.
    expect(data.clean).toBeGreaterThan(data.corrupted);
    expect(data.kinds[0].normalised[1]).toBeCloseTo(1, 4);
    expect(data.tokens[0]).toEqual({ clean: '"The"', corrupted: '"The"' });
    expect(data.tokens[1].clean).toMatch(/…$/);
  });

  it("refuses prompts that do not go together, and says how they would", async () => {
    const patch = (...argv: string[]) => refused("patch", "--model", place.model, ...argv);
    expect(await patch("abc", "ab", "--difference", "d", "e")).toContain('"abc" has 3 tokens and "ab" has 2');
    expect(await patch("abc", "abc", "--difference", "d", "e")).toContain("nothing to bring back");
    expect(await patch("abc", "xbc", "--difference", "d", "ef")).toContain(
      '--difference "ef" is 2 tokens, "e" "f"',
    );
    expect(await patch("--difference", "d", "e", "abc", "xbc")).toContain("there are 4");
    expect(await patch("abc", "--difference", "d", "e")).toContain("give two prompts and two tokens");
    expect(await patch(...pair, "--what", "residuals")).toContain('Did you mean "residual"?');
    expect(await patch(...pair, "--position", "-4")).toContain("--position -4 is outside the prompt");
    const file = join(place.folder, "lengths.jsonl");
    const line = { clean: "ab", corrupted: "cb", answer: "d", wrong: "e" };
    await writeFile(file, promptLines([line, { ...line, clean: "abc", corrupted: "cbc" }]));
    expect(await patch("--prompts", file)).toContain("prompt 2 has 3 tokens and the first 2");
    expect(await patch(...pair, "--prompts", file)).toContain("--prompts has prompts and answers of its own");
  });
});
