/** The control's folder: a model like any other, there as soon as the control is trained, whenever the run is stopped. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readModelFolder } from "@normless/gpt2/node";
import { afterAll, beforeAll, expect, it } from "vitest";
import { run, tinyRecipe, writeTiny } from "../support/tiny.js";

let folder: string;
let tiny: { model: string; recipe: string };
let whole: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-control-"));
  tiny = await writeTiny(folder);
  whole = join(folder, "whole");
  expect((await run(start(whole))).code).toBe(0);
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

const start = (out: string, ...more: string[]) => [
  ...["remove", "--model", tiny.model, "--recipe", tiny.recipe, "--out", out, "--threads", "1", ...more],
];
const controlOf = async (out: string) => (await readModelFolder(join(out, "control"))).weights;

it("is a model with its LayerNorms and its tokenizer, as good as the run says, with a card", async () => {
  const control = join(whole, "control");
  const { norms, tokenizer } = await readModelFolder(control);
  expect(Object.values(norms).every(({ kind }) => kind === "standard")).toBe(true);
  expect(tokenizer?.vocabSize).toBe(257);
  const { validation } = JSON.parse(await readFile(join(whole, "summary.json"), "utf8")) as {
    validation: Record<string, number>;
  };
  const json = join(folder, "eval.json");
  const data = ["--data", join(tiny.model, "val.bin"), "--tokens", "200", "--json", json, "--threads", "1"];
  expect((await run(["eval", "--model", control, ...data])).code).toBe(0);
  // As far as the order of adding up goes: sequences are counted in batches of another size.
  expect(await readFile(json, "utf8")).toContain(`"value": ${String(validation["control"]).slice(0, 7)}`);
  const card = await readFile(join(control, "README.md"), "utf8");
  expect(card).toContain("# A control for model without LayerNorm");
  expect(card).toContain("and the auxiliary loss (λ = 0.1): nothing but the removal tells the two apart");
  expect(card).toContain(`| control | ${validation["control"].toFixed(4)} |`);
  expect(card).toContain("begun");
});

it("is there with the same bits when the run was stopped before, in the middle of, or after it", async () => {
  for (const at of ["control 1/12", "validating: control", "removal 1/12", "validating: folded"]) {
    const out = join(folder, at.replace(/\W/g, "-"));
    expect((await run(start(out), at)).code).toBe(130);
    const isDone = at.startsWith("removal") || at.endsWith("folded");
    expect((await readdir(out)).includes("control")).toBe(isDone);
    const before = isDone ? await controlOf(out) : undefined;
    expect((await run(["remove", "--resume", out, "--threads", "1"])).code).toBe(0);
    expect(await controlOf(out)).toEqual(await controlOf(whole));
    if (before) expect(before).toEqual(await controlOf(whole));
  }
});

it("is written again by a run that goes on from before it, whatever was left there", async () => {
  const out = join(folder, "left");
  expect((await run(start(out), "validating: control")).code).toBe(130);
  await cp(tiny.model, join(out, "control"), { recursive: true });
  expect((await run(["remove", "--resume", out, "--threads", "1"])).code).toBe(0);
  expect(await controlOf(out)).toEqual(await controlOf(whole));
});

it("is none of a distilled run, and of the published ones says what it has not", async () => {
  const recipe = join(folder, "other.json");
  await writeFile(recipe, JSON.stringify({ ...tinyRecipe, loss: "distillation" }));
  const distilled = join(folder, "distilled");
  expect((await run(start(distilled, "--recipe", recipe))).code).toBe(0);
  expect(await readdir(distilled)).not.toContain("control");
  await writeFile(recipe, JSON.stringify({ ...tinyRecipe, controlAuxiliary: false }));
  const published = join(folder, "published");
  expect((await run(start(published, "--recipe", recipe))).code).toBe(0);
  const said = "but without the auxiliary loss (λ = 0.1) that the LN-free model had";
  for (const file of ["report.html", "control/README.md", "ln-free/README.md", "ln-free-gpt2/README.md"]) {
    expect((await readFile(join(published, file), "utf8")).replace(/\s+/g, " ")).toContain(said);
  }
});
