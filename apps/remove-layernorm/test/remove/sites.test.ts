/** `remove --sites`: some norms go and the others stay, in what is run, written and said. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readModelFolder } from "@normless/gpt2/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { metricsOf, run, writeTiny } from "../support/tiny.js";

let folder: string;
let tiny: { model: string; recipe: string };
let partly: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-sites-"));
  tiny = await writeTiny(folder);
  partly = join(folder, "partly");
});
afterAll(() => rm(folder, { recursive: true }));

const remove = (model: string, out: string, ...more: string[]) => [
  ...["remove", "--model", model, "--corpus", tiny.model, "--recipe", tiny.recipe, "--out", out],
  ...["--threads", "1", ...more],
];
const text = (...path: string[]) => readFile(join(...path), "utf8");

describe("normless remove --sites", () => {
  it("takes those norms and says everywhere that the others stay", async () => {
    const { code, out, err } = await run(remove(tiny.model, partly, "--sites", "h.0,ln_f"));
    expect(code).toBe(0);
    const lines = await metricsOf(partly);
    const gone = lines.flatMap((line) => {
      const { type, removal } = line as { type: string; removal?: { site?: string } };
      return type === "removal" && removal?.site !== undefined ? [removal.site] : [];
    });
    expect(gone).toEqual(["h.0.ln_2", "h.0.ln_1:qk", "h.0.ln_1:v", "ln_f"]);

    expect(err).toMatch(
      /there is no ln-free-gpt2\/ of this model: a GPT2LMHeadModel has one epsilon .* the 3 LayerNorms that are left/,
    );
    expect(await readdir(partly)).not.toContain("ln-free");
    expect(await readdir(partly)).not.toContain("ln-free-gpt2");
    expect(out).toContain("4 of 7 norms gone (folded)");
    expect(out).toContain(join(partly, "partly-ln-free/"));
    const card = await text(partly, "partly-ln-free", "README.md");
    expect(card).toContain("# model without 4 of its 7 LayerNorms\n");
    expect(card).toContain("- norms that go: 4: h.0, ln_f\n- that stay: 3: h.1\n");
    expect(card).toContain('readModelFolder("partly-ln-free")');
    const report = await text(partly, "report.html");
    expect(report).toContain("<h1>LayerNorm, removed: 4 of 7 norms gone</h1>");
    expect(report.replace(/\s+/g, " ")).toContain(
      "With 4 of its 7 norms gone, the model’s validation cross-entropy is",
    );
    for (const written of [out, card, report.replace(/<script[^]*/, "")]) {
      expect(written.replaceAll("partly-ln-free", "")).not.toMatch(
        /LN-free|[Ww]ithout LayerNorm|layernorm-free/,
      );
    }

    const { norms, weights } = await readModelFolder(join(partly, "partly-ln-free"));
    const kinds = Object.entries(norms).map(([site, { kind }]) => `${site} ${kind}`);
    expect(kinds.filter((kind) => kind.endsWith("standard"))).toEqual(
      ["h.1.ln_1:qk", "h.1.ln_1:v", "h.1.ln_2"].map((site) => `${site} standard`),
    );
    expect(Object.keys(weights)).toContain("lm_head.bias");
    const inspected = await run(["inspect", "--model", join(partly, "partly-ln-free")]);
    expect(inspected.code).toBe(0);
  });

  it("gives a model that can be looked at, and whose removal goes on", async () => {
    const model = join(partly, "partly-ln-free");
    const data = join(tiny.model, "val.bin");
    for (const argv of [
      ["eval", "--model", tiny.model, model, "--data", data, "--tokens", "100"],
      ["generate", "--model", model, "--prompt", "a", "--max-tokens", "3"],
      ["compare", "--model", tiny.model, model, "--data", data, "--tokens", "100"],
      ["attribute", "--model", model, "--prompt", "ab"],
    ]) {
      const { code, err } = await run(argv);
      expect(err).not.toContain("normless:");
      expect(code).toBe(0);
    }
    const refused = await run(remove(model, join(folder, "again"), "--sites", "h.0.ln_2"));
    expect(refused.code).toBe(2);
    expect(refused.err).toContain("h.0.ln_2 is gone already; give --sites what is left: h.1\n");

    const out = join(folder, "rest");
    const plan = await run(remove(model, out, "--dry-run"));
    expect(plan.out).toMatch(/norms that go +3: h\.1\n *gone before +4: h\.0, ln_f\n/);
    const went = await run(remove(model, out));
    expect(went.code).toBe(0);
    expect(went.err).toContain("there is no ln-free-gpt2/ of this model: its ln_f was folded before");
    const { norms } = await readModelFolder(join(out, "ln-free"));
    expect(new Set(Object.values(norms).map(({ kind }) => kind))).toEqual(new Set(["folded"]));
    expect(await text(out, "ln-free", "README.md")).toContain("# partly-ln-free without LayerNorm");
  });

  it("comes from a recipe's file or a file of options as well, and is kept for a resumption", async () => {
    const options = join(folder, "options.json");
    await writeFile(
      options,
      JSON.stringify({
        model: tiny.model,
        recipe: { base: "taper-norm-2026", name: "mlp", sites: ["ln_2"] },
      }),
    );
    const short = ["--steps", "40", "--batch-size", "2", "--block-size", "16", "--dry-run", "--threads", "1"];
    const fromFile = await run(["remove", "--config", options, ...short]);
    expect(fromFile.out).toMatch(/norms that go +2: h\.\*\.ln_2\n/);
    expect(fromFile.out).toContain("2 norms, the taper's end");
    await writeFile(options, JSON.stringify({ model: tiny.model, sites: "ln_f,h.0.ln_2" }));
    expect((await run(["remove", "--config", options, ...short])).out).toMatch(
      /norms that go +2: h\.0\.ln_2, ln_f\n/,
    );

    const [whole, stopped] = [join(folder, "unstopped"), join(folder, "stopped")];
    await run(remove(tiny.model, whole, "--sites", "ln_2"));
    expect((await run(remove(tiny.model, stopped, "--sites", "ln_2"), "step 3: removed")).code).toBe(130);
    expect((await run(["remove", "--resume", stopped])).code).toBe(0);
    expect(await metricsOf(stopped)).toEqual(await metricsOf(whole));
  });

  it("refuses what there is not, with the nearest right name", async () => {
    const refuse = async (sites: string) => {
      const { code, err } = await run(remove(tiny.model, join(folder, "never"), "--sites", sites));
      expect(code).toBe(2);
      return err;
    };
    expect(await refuse("h.1.ln2")).toContain(
      'there is no norm "h.1.ln2"; give --sites h.1.ln_2, or a pattern',
    );
    expect(await refuse("h.2")).toContain("the model has 2 layers, h.0 to h.1; give --sites h.1\n");
    expect(await refuse("ln_f,")).toContain("Expected names with commas between them.");
  });
});
