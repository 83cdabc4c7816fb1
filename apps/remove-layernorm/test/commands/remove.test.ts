import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readModelFolder } from "@normless/gpt2/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { metricsOf, run, tinyRecipe, writeTiny } from "../support/tiny.js";

let folder: string;
let tiny: { model: string; recipe: string };
let whole: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-remove-"));
  tiny = await writeTiny(folder);
  whole = join(folder, "whole");
});
afterAll(() => rm(folder, { recursive: true }));

const start = (out: string, ...more: string[]) => [
  ...["remove", "--model", tiny.model, "--recipe", tiny.recipe, "--out", out, "--threads", "1"],
  ...more,
];
const weightsOf = async (out: string) => (await readModelFolder(join(out, "ln-free"))).weights;

/** Runs until `interruptAt` is written, presses Control-C, and goes on. */
async function stopAndResume(out: string, interruptAt: string): Promise<void> {
  const stopped = await run(start(out), interruptAt);
  expect(stopped.code).toBe(130);
  expect(stopped.err).toContain(`npx normless remove --resume ${out}`);
  const resumed = await run(["remove", "--resume", out]);
  expect(resumed.err).not.toContain("normless:");
  expect(resumed.code).toBe(0);
}

describe("normless remove", () => {
  it("runs from a model to LN-free models, a report and a table", async () => {
    const { code, out, err } = await run(start(whole));
    expect(code).toBe(0);
    for (const name of ["original", "control (LayerNorm kept)", "LN-free (frozen)", "LN-free (folded)"]) {
      expect(out).toContain(name);
    }
    const interval = String.raw`[+−]?\d\.\d{4} \[[+−]?\d\.\d{4}, [+−]?\d\.\d{4}\]`;
    for (const name of [String.raw`LN-free \(folded\)`, String.raw`LN-free \(folded\), document starts`]) {
      expect(out).toMatch(new RegExp(`│ ${name} +│ +\\d\\.\\d{4} │ +${interval} │ +${interval} │`));
    }
    expect(out).toContain("In brackets: 95 % intervals, over sequences");
    for (const file of ["report.html", "ln-free/", "ln-free-gpt2/", "control/", "summary.json"]) {
      expect(out).toContain(join(whole, file));
    }
    // A line every ten steps and one for every removal.
    expect(err).toMatch(/control 10\/12 · cross-entropy \d+\.\d{3} nats · [\d,]+ tokens\/s, \d+s left/);
    expect(err).toMatch(
      /step 9: removed the first-position constant \(cross-entropy [+−]?\d\.\d{4} nats at once\)\n/,
    );

    expect(err).toMatch(
      /step 4: KL from the original, nats\/token: plain windows \d\.\d{4}; end-of-text, mid-text \d\.\d{4}; /,
    );

    const summary = JSON.parse(await readFile(join(whole, "summary.json"), "utf8")) as object;
    const fields = ["validation", "validated", "seconds", "tokens", "probedTokens", "peakBytes", "backend"];
    expect(Object.keys(summary)).toEqual([...fields, "recipe", "provenance"]);
    // Nine removals at eight steps: a look before each step and one after each removal, at 4 sequences of 16 tokens.
    expect(summary).toMatchObject({ tokens: 2 * 12 * 4 * 16, probedTokens: (8 + 9) * 4 * 16 });
    expect(await readdir(join(whole, "checkpoints"))).toEqual([
      "step-00000022.msgpack",
      "step-00000024.msgpack",
    ]);
    expect(await readFile(join(whole, "report.html"), "utf8")).toContain("<!doctype html>");

    expect(err).toMatch(
      /the first position's std is \d\S* times that of the rest at the middle layers, and \d/,
    );
    expect(err).toMatch(/after the removal, the first position's std is \d\S* times/);
    const lines = await metricsOf(whole);
    const count = (type: string) => lines.filter((line) => (line as { type: string }).type === type).length;
    expect({ step: count("step"), removal: count("removal"), eval: count("eval") }).toEqual({
      step: 24,
      removal: 9,
      eval: 4,
    });
    // After 0, 4, 8 and 12 updates of each training.
    expect(count("look")).toBe(8);
    expect({ stds: count("stds"), sample: count("sample"), fold: count("fold") }).toEqual({
      stds: 2,
      sample: 2,
      fold: 1,
    });
    expect(count("first-position")).toBe(2);
  });

  it("distilled, trains no control and speaks of none", async () => {
    const file = join(folder, "distilled.json");
    await writeFile(file, JSON.stringify({ ...tinyRecipe, name: "tiny-distilled", loss: "distillation" }));
    const out = join(folder, "distilled");
    const plan = await run(["remove", "--model", tiny.model, "--recipe", file, "--dry-run"]);
    expect(plan.out).toContain("12 updates of 4 × 16 tokens, to predict what the original does");
    const ran = await run(["remove", "--model", tiny.model, "--recipe", file, "--out", out]);
    expect(ran.code).toBe(0);
    expect(ran.out).toContain("to original");
    expect(ran.out + ran.err).not.toMatch(/control/i);
    expect(await readdir(join(out, "checkpoints"))).toEqual([
      "step-00000010.msgpack",
      "step-00000012.msgpack",
    ]);
    const card = await readFile(join(out, "ln-free-gpt2", "README.md"), "utf8");
    expect(card).toContain("trained to predict what\nthe original predicts");
    expect(card).not.toMatch(/^\| control|to control/m);
    expect(card).toMatch(/\| original \| \d\.\d{4} \| 0\.0000 \|\n\| LN-free \(frozen\)/);
  });

  it("writes models that stand on their own, with tokenizer and card", async () => {
    const plain = await readModelFolder(join(whole, "ln-free"));
    expect(Object.values(plain.norms).map(({ kind }) => kind)).toEqual(Array(7).fill("folded"));
    const stock = await readModelFolder(join(whole, "ln-free-gpt2"));
    expect(stock.config.eps).toBe(1e12);
    expect(stock.tokenizer?.vocabSize).toBe(257);
    const card = await readFile(join(whole, "ln-free-gpt2", "README.md"), "utf8");
    expect(card).toContain('AutoModelForCausalLM.from_pretrained("ln-free-gpt2")');
    expect(card).toContain("# model without LayerNorm");
  });

  it("gives the same bits when stopped and resumed, in either phase and in any validation", async () => {
    for (const [name, at] of [
      ["control", "control 1/12"],
      ["removal", "step 6: removed"],
      ["original", "validating: original"],
      ["validation-of-control", "validating: control"],
      ["frozen", "validating: frozen"],
      ["folded", "validating: folded"],
    ]) {
      const out = join(folder, `stopped-in-${name}`);
      await stopAndResume(out, at);
      expect(await metricsOf(out)).toEqual(await metricsOf(whole));
      expect(await weightsOf(out)).toEqual(await weightsOf(whole));
    }
  });

  it("goes on with recomputing and TensorBoard as it began, or as a resumption asked for it", async () => {
    const summaryOf = async (out: string) =>
      JSON.parse(await readFile(join(out, "summary.json"), "utf8")) as { peakBytes: number };
    const began = join(folder, "manner");
    await run(start(began, "--recompute", "--tensorboard"), "control 1/12");
    expect((await run(["remove", "--resume", began])).code).toBe(0);
    expect(await readdir(join(began, "tensorboard"))).toContain("removal");
    expect((await summaryOf(began)).peakBytes).toBeLessThan((await summaryOf(whole)).peakBytes);

    const asked = join(folder, "manner-later");
    await run(start(asked), "validating: original");
    await run(["remove", "--resume", asked, "--recompute", "--tensorboard"], "control 1/12");
    expect((await run(["remove", "--resume", asked])).code).toBe(0);
    expect(await readdir(join(asked, "tensorboard"))).toContain("removal");
    expect(await summaryOf(asked)).toMatchObject({ peakBytes: (await summaryOf(began)).peakBytes });
    expect(await metricsOf(asked)).toEqual(await metricsOf(whole));
  });

  it("gives the same bits with two threads", async () => {
    const out = join(folder, "two-threads");
    const argv = start(out);
    argv[argv.indexOf("--threads") + 1] = "2";
    expect((await run(argv)).code).toBe(0);
    expect(await metricsOf(out)).toEqual(await metricsOf(whole));
    expect(await weightsOf(out)).toEqual(await weightsOf(whole));
  });

  it("goes on from the checkpoint before a damaged one", async () => {
    const out = join(folder, "damaged");
    await run(start(out), "step 7: removed");
    const [before, newest] = await readdir(join(out, "checkpoints"));
    expect([before, newest]).toEqual(["step-00000017.msgpack", "step-00000020.msgpack"]);
    const path = join(out, "checkpoints", newest);
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.length - 1000));
    const resumed = await run(["remove", "--resume", out]);
    expect(resumed.err).toContain(`${path} is damaged: it was truncated or changed`);
    expect(resumed.code).toBe(0);
    expect(await metricsOf(out)).toEqual(await metricsOf(whole));
  });

  it("shows the plan and writes nothing with --dry-run", async () => {
    const out = join(folder, "dry");
    const { code, out: text } = await run(start(out, "--dry-run"));
    expect(code).toBe(0);
    expect(text).toMatch(/tokens +1,536 trained on, out of a corpus of 3,000/);
    expect(text).toMatch(/memory +[\d.]+ kB in tensors at the height of an update\n/);
    expect(text).toMatch(/\n +7 {2}ln_f\n +8 {2}the end-of-text constant\n/);
    expect(await readdir(folder)).not.toContain("dry");
  });

  it("estimates time, memory and disk by an update that leaves nothing", async () => {
    const before = await readdir(folder);
    const dry = await run(start(join(folder, "dry"), "--dry-run"));
    expect(dry.out).toMatch(/\ntime +about \d+s: training \d+s \([\d.e-]+s an update\), validation \d+s\n/);
    expect(dry.out).toMatch(/\nprocess +about [\d.]+ [MG]B of memory at the height of the run\n/);
    const disk = /\ndisk +about ([\d.]+) kB: two checkpoints of ([\d.]+) kB .*, models of ([\d.]+) kB; /.exec(
      dry.out,
    );
    const [sum, checkpoint, models] = disk!.slice(1).map((figure) => 1000 * Number(figure));
    expect(sum).toBeCloseTo(2 * checkpoint + models, -3);
    expect(dry.out).toMatch(/\nresiduals +the first position's std is \d\S* times that of the rest/);
    expect(await readdir(folder)).toEqual(before);
    // Within a few names, the configuration and the tokenizer, what a run has really written.
    const sizeOf = async (...path: string[]) => (await stat(join(whole, ...path))).size;
    expect(await sizeOf("checkpoints", "step-00000024.msgpack")).toBeGreaterThan(checkpoint);
    expect(await sizeOf("checkpoints", "step-00000024.msgpack")).toBeLessThan(checkpoint + 15_000);
    const folders = ["ln-free", "ln-free-gpt2", "control"];
    const sizes = await Promise.all(folders.map((name) => sizeOf(name, "model.safetensors")));
    const written = sizes.reduce((sum, size) => sum + size, 0);
    expect(written).toBeGreaterThan(models);
    expect(written).toBeLessThan(models + 10_000);
  });

  it("takes options from a file, and the command line's before them", async () => {
    const config = join(folder, "options.json");
    const { name: _name, ...fields } = tinyRecipe;
    const recipe = { ...fields, name: "from-file" };
    await writeFile(config, JSON.stringify({ model: tiny.model, recipe, threads: 1 }));
    const { out } = await run([
      "remove",
      "--config",
      config,
      "--dry-run",
      "--seed",
      "5",
      "--batch-size",
      "3",
    ]);
    expect(out).toMatch(/recipe +from-file, seed 5\n/);

    const sizes = { steps: 24, batchSize: 2, seed: 7, sharedQkvStd: true };
    await writeFile(config, JSON.stringify({ model: tiny.model, recipe, threads: 1, ...sizes }));
    const sized = await run(["remove", "--config", config, "--dry-run", "--batch-size", "3"]);
    expect(sized.out).toMatch(/recipe +from-file, seed 7\n/);
    expect(sized.out).toMatch(/2 × 24 updates of 3 × 16 tokens/);
    expect(out).toMatch(/2 × 12 updates of 3 × 16 tokens/);
  });
});
