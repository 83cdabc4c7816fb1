/** `normless sweep`: recipes on models with seeds, run after run, stopped and gone on with. */
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { everything } from "../support/commands-files.js";
import { metricsOf, run, tinyRecipe, writeTiny } from "../support/tiny.js";

const { name: _name, ...fields } = tinyRecipe;

let folder: string;
let tiny: { model: string; recipe: string };
let distilled: string;
/** Two recipes with two seeds each, all done. */
let whole: string;
let said: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-sweep-"));
  tiny = await writeTiny(folder);
  distilled = await recipe("far", { loss: "distillation", weightDecay: 0, auxiliaryWeight: 0 });
  whole = join(folder, "whole");
  const { code, out, err } = await run(sweep(whole));
  expect(code, err).toBe(0);
  said = out;
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

async function recipe(name: string, changes: object): Promise<string> {
  const path = join(folder, `${name}.json`);
  await writeFile(path, JSON.stringify({ ...fields, name, ...changes }));
  return path;
}

const sweep = (out: string, ...more: string[]) => [
  ...["sweep", "--model", tiny.model, "--recipe", `${tiny.recipe},${distilled}`, "--seeds", "7,9"],
  ...["--out", out, "--threads", "1", ...more],
];

interface Sweep {
  readonly runs: readonly { folder: string; state: string; error?: string }[];
  readonly groups: readonly {
    recipe: string;
    spreads: Record<string, { count: number; mean: number; low: number; high: number } | undefined>;
    positions: readonly { kind: string; ranges: readonly { range: object; kl?: { mean: number } }[] }[];
  }[];
}
const json = async <X = Sweep>(...path: string[]) => JSON.parse(await readFile(join(...path), "utf8")) as X;
const runsOf = (recipes: readonly string[], seeds: readonly number[]) =>
  seeds.flatMap((seed) => recipes.map((one) => `model-${one}-${seed}`));
const stateOf = async (out: string) =>
  Object.fromEntries((await json(out, "sweep.json")).runs.map((one) => [one.folder, one.state]));

describe("a sweep", () => {
  it("is a folder of runs as remove makes them", async () => {
    const names = runsOf(["tiny", "far"], [7, 9]);
    expect((await readdir(whole)).sort()).toEqual(["sweep.html", "sweep.json", "sweep.md", ...names].sort());
    const alone = join(folder, "alone");
    const argv = ["remove", "--model", tiny.model, "--recipe", distilled, "--seed", "9", "--out", alone];
    expect((await run([...argv, "--threads", "1"])).code).toBe(0);
    expect(await metricsOf(join(whole, "model-far-9"))).toEqual(await metricsOf(alone));
    expect(await readFile(join(whole, "model-far-9/ln-free/model.safetensors"))).toEqual(
      await readFile(join(alone, "ln-free/model.safetensors")),
    );
  });

  it("comes to the means and the extremes of what its runs' summaries say", async () => {
    const { groups } = await json(whole, "sweep.json");
    expect(groups.map((group) => group.recipe)).toEqual(["tiny", "far"]);
    for (const { recipe: name, spreads, positions } of groups) {
      const summaries = await Promise.all(
        [7, 9].map((seed) =>
          json<{
            validation: Record<string, number>;
            validated: {
              folded: {
                positions: { kinds: { kind: string; ranges: { range: object; kl: { value: number } }[] }[] };
              };
            };
          }>(whole, `model-${name}-${seed}`, "summary.json"),
        ),
      );
      const [a, b] = summaries.map(({ validation }) => validation["folded"] - validation["original"]);
      expect(spreads["toOriginal"]).toMatchObject({ count: 2, low: Math.min(a, b), high: Math.max(a, b) });
      expect(spreads["toOriginal"]!.mean).toBeCloseTo((a + b) / 2, 12);
      expect(spreads["toControl"] === undefined).toBe(name === "far");
      expect(spreads["worstSpike"]!.count).toBe(2);
      expect(spreads["stdBefore"]!.low).toBeGreaterThan(0);
      expect(spreads["attentionAfter"]!.high).toBeLessThan(1);
      const kinds = summaries.map(({ validated }) => validated.folded.positions.kinds);
      expect(positions.map(({ kind }) => kind)).toEqual(kinds[0].map(({ kind }) => kind));
      positions.forEach(({ ranges }, k) =>
        ranges.forEach(({ range, kl }, r) => {
          const cells = kinds.map((of) => of[k].ranges[r]);
          expect(cells.map((cell) => cell.range)).toEqual([range, range]);
          expect(kl!.mean).toBeCloseTo((cells[0].kl.value + cells[1].kl.value) / 2, 12);
        }),
      );
    }
  });

  it("shows it as a table, as Markdown and as a page", async () => {
    expect(said).toMatch(/model +│ tiny +│ 2 +│ [+−]?0\.\d{4} \([+−]?0\.\d{4} to [+−]?0\.\d{4}\)/);
    const markdown = await readFile(join(whole, "sweep.md"), "utf8");
    for (const title of ["Recipes", "The first position", "KL from the original, by position", "Runs"]) {
      expect(markdown).toContain(`\n## ${title}\n`);
    }
    expect(markdown).toMatch(/\| model \| far \| end-of-text, document \| [\d.]+ \([\d.]+ to [\d.]+\) \|/);
    const page = await readFile(join(whole, "sweep.html"), "utf8");
    expect(page).toContain("4 of 4 runs done");
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
    // It needs no network.
    expect(page).not.toMatch(/(src|href)="?https?:/);
  });

  it("runs what is not there yet, and nothing else", async () => {
    const out = join(folder, "more");
    await cp(whole, out, { recursive: true });
    const before = (await stat(join(out, "model-tiny-7/metrics.jsonl"))).mtimeMs;
    expect((await run(sweep(out, "--seeds", "7,9"))).code).toBe(0);
    expect((await run(sweep(out, "--seeds", "7,8"))).code).toBe(0);
    expect(await stateOf(out)).toEqual(
      Object.fromEntries(runsOf(["tiny", "far"], [7, 8, 9]).map((name) => [name, "finished"])),
    );
    expect((await stat(join(out, "model-tiny-7/metrics.jsonl"))).mtimeMs).toBe(before);
  });

  it("goes on where it was stopped, to the same bits", async () => {
    const out = join(folder, "stopped");
    const stopped = await run(sweep(out), "control 1/12");
    expect(stopped.code).toBe(130);
    expect(stopped.err).toContain("the sweep is stopped. To go on with it:\n  npx normless sweep --model");
    expect(Object.values(await stateOf(out))).toEqual(["stopped", "to come", "to come", "to come"]);
    const again = /^ {2}npx normless (.*)$/m.exec(stopped.err)![1].split(" ");
    expect((await run(again)).code).toBe(0);
    for (const name of runsOf(["tiny", "far"], [7, 9])) {
      expect(await metricsOf(join(out, name))).toEqual(await metricsOf(join(whole, name)));
    }
    expect((await json(out, "sweep.json")).groups).toMatchObject(
      (await json(whole, "sweep.json")).groups.map(({ spreads }) => ({ spreads })),
    );
  });

  it("says which run lost its numbers, goes on with the others, and does not try it again", async () => {
    const rate = { peak: 1e20, floor: 1e19, warmupSteps: 0, totalSteps: 12 };
    const wild = await recipe("wild", { learningRate: rate });
    const out = join(folder, "wild");
    const argv = ["sweep", "--model", tiny.model, "--recipe", `${wild},${distilled}`, "--seeds", "7,"];
    const { code, err, out: table } = await run([...argv, "--out", out, "--threads", "1"]);
    expect(code).toBe(1);
    expect(err).toContain("training has diverged");
    expect(await stateOf(out)).toEqual({ "model-wild-7": "diverged", "model-far-7": "finished" });
    expect(table).toContain("0 of 1; 7 diverged");
    const again = await run([...argv, "--out", out, "--threads", "1"]);
    expect(again.code).toBe(1);
    expect(again.err).not.toContain("run 1 of 2");
  });
});

describe("is refused", () => {
  async function refused(argv: readonly string[]): Promise<string> {
    const before = await everything(folder);
    const { code, err } = await run(argv);
    expect([argv.join(" "), code]).toEqual([argv.join(" "), 2]);
    expect(await everything(folder)).toEqual(before);
    return err;
  }

  it("where the folder holds another sweep, saying what differs", async () => {
    expect(await refused(sweep(whole, "--steps", "24"))).toContain(
      `the folder ${whole} holds another sweep: tiny on model has steps 12 there and 24 here`,
    );
    expect(await refused(sweep(whole, "--prompt", "a"))).toContain(
      '--prompt is not given there and "a" here',
    );
    const other = join(folder, "other");
    await cp(tiny.model, other, { recursive: true });
    await writeFile(
      join(other, "train.bin"),
      (await readFile(join(tiny.model, "train.bin"))).subarray(0, 4000),
    );
    const elsewhere = sweep(whole).map((word) => (word === tiny.model ? other : word));
    expect(await refused(elsewhere)).toContain("model was trained on other tokens there");
    await rm(other, { recursive: true });
  });

  it("where the folder holds something else, or what is read", async () => {
    const full = join(folder, "full");
    await cp(tiny.model, full, { recursive: true });
    expect(await refused(sweep(full))).toContain("is not empty and holds no sweep");
    expect(await refused(sweep(tiny.model))).toContain("holds no sweep (it has no sweep.json)");
    const inside = join(whole, "sweep.json");
    expect(await refused(sweep(whole, "--train", inside))).toContain(
      `--out ${whole} would clear or write over ${inside}, and so --train ${inside}`,
    );
    await rm(full, { recursive: true });
  });

  it("where two recipes have one name, or a name is misspelt", async () => {
    const twin = join(folder, "twin.json");
    await writeFile(twin, JSON.stringify({ ...tinyRecipe, steps: 24 }));
    const out = join(folder, "never");
    expect(await refused(sweep(out, "--recipe", tiny.recipe, twin))).toContain("two recipes are called tiny");
    expect(await refused(sweep(out, "--recipe", "distiled"))).toContain("distilled");
  });

  it("where its data can be read but once, or a seed is taken for a number of seeds", async () => {
    const out = join(folder, "never");
    expect(await refused(sweep(out, "--train", "-"))).toContain("standard input can be read once");
    expect(await refused(sweep(out, "--seeds", "1337"))).toContain("For the one seed 1337: --seeds 1337,");
    expect(await refused(sweep(out, "--seeds", "a,b"))).toContain("whole numbers with commas");
  });
});
