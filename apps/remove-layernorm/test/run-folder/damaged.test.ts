/** A run's folder in which something is damaged or was edited, but a checkpoint is whole. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { metricsOf, type Ran, run, writeTiny } from "../support/tiny.js";

let folder: string;
let tiny: { model: string; recipe: string };
/** A run that has ended, and one that was stopped in its removal, of each command. */
let whole: string;
let stopped: Readonly<Record<"remove" | "train", string>>;
/** A copy of one of them. */
let out: string;
const TRAIN = ["--steps", "8", "--batch-size", "4", "--block-size", "16", "--checkpoint-every", "2"];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-damaged-"));
  tiny = await writeTiny(folder);
  [whole, out] = [join(folder, "whole"), join(folder, "copy")];
  stopped = { remove: join(folder, "remove"), train: join(folder, "train") };
  const remove = ["remove", "--model", tiny.model, "--recipe", tiny.recipe, "--threads", "1"];
  const shape = ["--tokenizer", tiny.model, "--model-config", join(tiny.model, "config.json")];
  expect((await run([...remove, "--out", whole])).code).toBe(0);
  expect((await run([...remove, "--out", stopped.remove], "step 6: removed")).code).toBe(130);
  const train = ["train", ...shape, ...TRAIN, "--validation-tokens", "100", "--threads", "1"];
  expect((await run([...train, "--out", stopped.train], "train 1/8")).code).toBe(130);
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => copy(stopped.remove));

async function copy(of: string): Promise<void> {
  await rm(out, { recursive: true, force: true });
  await cp(of, out, { recursive: true });
}
const at = (name: string) => join(out, name);
const resume = (command = "remove") => run([command, "--resume", out, "--threads", "1"]);
const weights = (of: string) => readFile(join(of, "ln-free", "model.safetensors"));

/** That a run came to its end as if nothing had been, but for what its metrics lack. */
async function expectEnd({ code, err }: Ran): Promise<void> {
  expect([code, err]).toEqual([0, err]);
  expect(await weights(out)).toEqual(await weights(whole));
  expect(existsSync(at("summary.json"))).toBe(true);
}

describe("metrics.jsonl", () => {
  const lines = async () => (await readFile(at("metrics.jsonl"), "utf8")).split("\n");

  it.each([
    ["a line that is none", (all: string[]) => all.with(3, all[3].slice(5)), "line 4 cannot be read"],
    ["a field of another kind", (all: string[]) => all.with(3, '{"type":"step"}'), "line 4 cannot be read"],
    ["zeros", (all: string[]) => all.with(5, "\0".repeat(all[5].length)), "line 6 cannot be read"],
    ["lines that are missing", (all: string[]) => [...all.slice(0, 7), ""], /has .* of the .* that it had/],
    ["half a line at its end", (all: string[]) => [...all.slice(0, 7), all[7].slice(0, 9)], /has .* of the/],
    ["nothing", () => [], "has 0 B of the"],
    ["no plan", (all: string[]) => all.with(0, "x".repeat(all[0].length)), "line 1 cannot be read"],
  ])("with %s: what is left stays, what is not is named, and the run goes on", async (_, damage, named) => {
    const before = await lines();
    await writeFile(at("metrics.jsonl"), damage(before).join("\n"));
    const ended = await resume();
    expect(ended.err).toMatch(named);
    await expectEnd(ended);
    expect(existsSync(at("report.html"))).toBe(true);
    const after = await lines();
    for (const line of damage(before).slice(0, 4)) expect(after).toContain(line);
    expect(after.some((line) => line.includes('"type":"step","phase":"removal","step":12,'))).toBe(true);
  });

  it("that is missing: the run goes on", async () => {
    await rm(at("metrics.jsonl"));
    const ended = await resume();
    expect(ended.err).toContain("has 0 B of the");
    await expectEnd(ended);
  });

  it("with any bytes changed anywhere never keeps a run from its end", async () => {
    const text = await readFile(at("metrics.jsonl"));
    await fc.assert(
      fc.asyncProperty(
        fc.nat(text.length - 1),
        fc.uint8Array({ minLength: 1, maxLength: 40 }),
        async (place, bytes) => {
          await copy(stopped.remove);
          const damaged = Buffer.from(text);
          damaged.set(bytes.subarray(0, text.length - place), place);
          await writeFile(at("metrics.jsonl"), damaged);
          await expectEnd(await resume());
        },
      ),
      { numRuns: 10 },
    );
  });

  it("whose lines cannot be read is named by the report, which has the rest", async () => {
    await writeFile(at("metrics.jsonl"), (await lines()).with(3, "?").join("\n"));
    const { code, err } = await run(["report", out]);
    expect([code, err]).toEqual([0, expect.stringContaining("line 4 cannot be read and are left out")]);
  });
});

describe("summary.json", () => {
  it.each(["", "{", "[]", '{"validation": 3}', "\0\0\0"])(
    "that holds %j is named, and its run's end is done again",
    async (text) => {
      await copy(whole);
      await writeFile(at("summary.json"), text);
      const reported = await run(["report", out]);
      expect([reported.code, reported.err]).toEqual([
        0,
        expect.stringContaining(`${at("summary.json")} is damaged (`),
      ]);
      const ended = await resume();
      expect(ended.err).toContain(`${at("summary.json")} is damaged (`);
      await expectEnd(ended);
      expect(await metricsOf(out)).toEqual(await metricsOf(whole));
      expect((await resume()).err).toContain("is finished (there is a summary.json)");
    },
  );

  it("of a training that is damaged is written again, too", async () => {
    await copy(stopped.train);
    expect((await resume("train")).code).toBe(0);
    await writeFile(at("summary.json"), '{"validation": "low"}');
    const { code, err } = await resume("train");
    expect([code, err]).toEqual([0, expect.stringContaining("is damaged (")]);
    expect((await resume("train")).err).toContain("is finished");
  });
});

describe("config.json", () => {
  async function edit(change: (config: Record<string, unknown>) => object): Promise<void> {
    const config = JSON.parse(await readFile(at("config.json"), "utf8")) as Record<string, unknown>;
    await writeFile(at("config.json"), JSON.stringify(change(config)));
  }
  const recipeOf = ({ recipe }: Record<string, unknown>) => recipe as Record<string, unknown>;

  it.each([
    [
      "prompt",
      (config: object) => ({ ...config, prompt: "another" }),
      'prompt is "another", and at the checkpoint',
    ],
    [
      "text column",
      (config: object) => ({ ...config, textColumn: "body" }),
      'textColumn is "body", and at the',
    ],
    [
      "tokens",
      (config: object) => ({ ...config, trainTokens: 7 }),
      "trainTokens is 7, and at the checkpoint it was not given",
    ],
  ])("whose %s was changed is refused by that name", async (_, change, named) => {
    await edit(change);
    const { code, err } = await resume();
    expect([code, err]).toEqual([2, expect.stringContaining(`${at("config.json")} was changed: ${named}`)]);
    expect(err).toContain("Put that back, or begin another run with it");
  });

  it("whose recipe was changed is refused, or taken from there on, by the field's name", async () => {
    await edit((config) => ({ ...config, recipe: { ...recipeOf(config), seed: 99 } }));
    expect((await resume()).err).toMatch(/config\.json: .*seed/);
    await copy(stopped.remove);
    await edit((config) => ({ ...config, recipe: { ...recipeOf(config), checkpointEvery: 2 } }));
    const taken = await resume();
    expect([taken.code, taken.err]).toEqual([0, expect.stringMatching(/from here on .*checkpoint/i)]);
  });

  it("is taken, and that said, where it may be otherwise", async () => {
    await edit((config) => ({ ...config, recompute: true, simd: "plain" }));
    const { code, err } = await resume();
    expect(code).toBe(0);
    expect(err).toContain(`${at("config.json")} was changed, and is taken so: recompute not given → true`);
    expect(err).toContain('is taken so: simd "relaxed" → "plain"');
    expect(err).toContain("its bits will differ");
  });

  it.each(["remove", "train"] as const)(
    "of %s that cannot be read is the checkpoint's, and is written anew",
    async (command) => {
      await copy(stopped[command]);
      const before = await readFile(at("config.json"), "utf8");
      await writeFile(at("config.json"), before.slice(0, 100));
      const { code, err } = await resume(command);
      expect([code, err]).toEqual([0, expect.stringContaining("is not JSON")]);
      expect(err).toContain("the configuration is taken from the checkpoint");
      const { recipe } = JSON.parse(before) as { recipe: object };
      expect(JSON.parse(await readFile(at("config.json"), "utf8"))).toMatchObject({ recipe });
    },
  );
});
