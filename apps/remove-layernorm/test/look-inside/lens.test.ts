import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { AttributionData } from "../../src/look-inside/attribution.js";
import type { LensData } from "../../src/look-inside/lens.js";
import { figures, lookingModels, refused, result } from "./looking-models.js";
import { pageParts } from "./pages.js";

const place = lookingModels();
const prompt = ["--prompt", "abc"];

describe("normless lens", () => {
  it("steps by exactly what each block wrote, where no LayerNorm stands before the head", async () => {
    const lens = await figures<LensData>(
      "lens",
      "--model",
      place.folded,
      ...prompt,
      "--token",
      "d",
      "--exact",
    );
    const { parts, logit, probability } = await figures<AttributionData>(
      ...["attribute", "--model", place.folded, ...prompt, "--token", "d"],
    );
    expect(lens).toMatchObject({ exact: true, positions: [{ position: 2, text: '"c"', tokenText: '"d"' }] });
    expect(lens.rows.map(({ at }) => at)).toEqual([
      "blocks.0.hook_resid_pre",
      "blocks.1.hook_resid_pre",
      "blocks.1.hook_resid_post",
    ]);
    const logits = lens.rows.map(({ cells }) => cells[0].logit);
    for (const layer of [0, 1]) {
      const written = parts.filter((part) => part.layer === layer).reduce((sum, part) => sum + part.logit, 0);
      expect(logits[layer + 1] - logits[layer]).toBeCloseTo(written, 5);
    }
    const last = lens.rows[2].cells[0];
    expect(last.logit).toBeCloseTo(logit, 5);
    expect(last.probability).toBeCloseTo(probability, 6);
    expect(lens.rows.every(({ offBy }) => offBy === 0)).toBe(true);
  });

  it("follows what the model says, at every position that is asked for", async () => {
    const lens = await figures<LensData>(
      "lens",
      "--model",
      place.model,
      ...prompt,
      "--positions",
      "0,-1",
      "--middle",
    );
    expect(lens.positions.map(({ position }) => position)).toEqual([0, 2]);
    expect(lens.rows).toHaveLength(5);
    const last = lens.rows[4].cells;
    for (const [p, { token }] of lens.positions.entries()) {
      expect(last[p].top[0]).toMatchObject({ token, probability: last[p].probability });
      expect(last[p].rank).toBe(0);
    }
    // The lens divides by another std than the last residual's.
    expect(lens.rows[0].offBy).toBeGreaterThan(0.01);
    expect(lens.rows[4].offBy).toBeLessThan(1e-5);
    const text = await result("lens", "--model", place.model, ...prompt, "--positions", "0,-1");
    expect(text).toContain('after 0 "a"\n');
    expect(text).toContain("steps are no attributions");
  });

  it("is a page whose cells are as dark as the model is sure, whatever the text holds", async () => {
    const html = join(place.folder, "lens.html");
    const hostile = ["--prompt", '</script>"<b'];
    await result("lens", "--model", place.model, ...hostile, "--html", html);
    const { data, cells, text } = pageParts<LensData>(await readFile(html, "utf8"));
    // All positions, in two pictures.
    expect(data.positions).toHaveLength(12);
    expect(cells).toHaveLength(2 * 3 * 12);
    expect(new Set(cells.map(({ group }) => group))).toEqual(new Set(["likeliest", "answers"]));
    const upwards = data.rows.toReversed().flatMap(({ cells }) => cells);
    for (const [i, { top }] of upwards.entries()) {
      expect(cells[i].far).toBe(Math.round(100 * top[0].probability));
    }
    expect(text).toContain("&lt;/script&gt;");
  });

  it("refuses an exact form behind a LayerNorm, and positions outside of the prompt", async () => {
    const lens = (...argv: string[]) => refused("lens", "--model", place.model, ...prompt, ...argv);
    const exact = await lens("--exact");
    expect(exact).toContain("logitLens: there is no exact form here, since the norm at ln_f is ");
    expect(exact).toContain("take a model whose norms are frozen or folded");
    expect(await lens("--positions", "0,3")).toContain(
      "--positions 3 is outside the prompt, whose 3 positions are 0 to 2",
    );
    expect(await lens("--positions", "first")).toContain(
      "Expected whole numbers with commas between them, or all.",
    );
    expect(await lens("--token", "de")).toContain('--token "de" is 2 tokens, "d" "e"');
  });
});
