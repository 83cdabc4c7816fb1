import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { removalRecipes } from "@normless/removal";
import { run, writeTiny } from "../support/tiny.js";

let folder: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-recipes-"));
  ({ model } = await writeTiny(folder));
});
afterAll(() => rm(folder, { recursive: true }));

const dryRun = (...argv: string[]) =>
  run(["remove", "--dry-run", "--model", model, "--block-size", "16", "--threads", "1", ...argv]);

describe("normless recipes", () => {
  it("lists every recipe with its source", async () => {
    const { code, out } = await run(["recipes"]);
    expect(code).toBe(0);
    for (const { name, source } of Object.values(removalRecipes)) {
      expect(out).toMatch(new RegExp(`│ ${name} +│`));
      expect(out).toContain(source);
    }
    for (const { failsOnSink } of Object.values(removalRecipes)) {
      if (failsOnSink)
        expect(out).toContain(`Fails on a sink: ${failsOnSink.how}. Take ${failsOnSink.instead} there.`);
    }
  });

  it("shows one as JSON that remove takes as it is", async () => {
    const shown = await run(["recipes", "show", "taper-norm-2026"]);
    expect(JSON.parse(shown.out)).toEqual(removalRecipes["taper-norm-2026"]);
    const path = join(folder, "taper.json");
    await writeFile(path, shown.out);
    const { code, out } = await dryRun("--recipe", path);
    expect(code).toBe(0);
    expect(out).toContain("recipe     taper-norm-2026, seed 1337");
    expect(out).toMatch(/ 120 {2}every norm, the taper's end/);
  });

  it("names the recipes when it does not know one", async () => {
    const { code, err } = await run(["recipes", "show", "fast"]);
    expect(code).toBe(2);
    expect(err).toMatch(
      /no recipe "fast"; the built-in ones are: distilled, heimersheim-2024, baroni-2025-small/,
    );
  });
});

describe("normless recipes plan", () => {
  const planOf = async (...argv: string[]) => {
    const { code, out } = await run(["recipes", "plan", ...argv]);
    expect(code).toBe(0);
    const [title, , ...lines] = out.trimEnd().split("\n");
    return { title, events: lines.map((line) => line.trim().replace(/ +/, " ")) };
  };

  it("prints the published plans for the sizes that they were published for, event by event", async () => {
    const { title, events } = await planOf("baroni-2025-xl");
    expect(title).toBe("baroni-2025-xl, for 48 layers (gpt2-xl): 800 updates of 504 × 1024 tokens");
    expect(events).toHaveLength(1 + 3 * 48 + 1 + 1);
    expect(events.slice(0, 3)).toEqual([
      "step what goes after so many updates",
      "50 h.0.ln_2",
      "54 h.1.ln_2",
    ]);
    expect(events.slice(-3)).toEqual(["716 h.47.ln_1:v", "722 ln_f", "800 the end"]);
    expect((await planOf("heimersheim-2024")).events.slice(-4)).toEqual([
      ...["1040 ln_f", "1060 the end-of-text constant", "1160 the first-position constant", "1200 the end"],
    ]);
  });

  it("has one for every recipe, which says what model it was made for", async () => {
    for (const { name, madeFor, pace, steps } of Object.values(removalRecipes)) {
      const { title, events } = await planOf(name);
      expect(title).toContain(`for ${madeFor!.layers} layers (${madeFor!.model})`);
      expect(events.at(-1)).toBe(`${steps} the end`);
      const norms = events.filter((event) => /ln_/.test(event)).length;
      if (pace.kind === "fixed") expect(norms).toBe(3 * madeFor!.layers + 1);
    }
  });

  it("is for any number of layers, a model, other steps, some sites, and a recipe of one's own", async () => {
    expect((await planOf("baroni-2025-xl", "--layers", "2")).events.slice(1, -1)).toEqual([
      ...["50 h.0.ln_2", "54 h.1.ln_2", "58 h.0.ln_1:qk", "62 h.1.ln_1:qk"],
      ...["66 h.0.ln_1:v", "72 h.1.ln_1:v", "78 ln_f"],
    ]);
    const ofModel = await planOf("heimersheim-2024", "--model", model, "--steps", "600", "--sites", "ln_2");
    expect(ofModel.title).toContain(`for 2 layers (${model}): 600 updates`);
    expect(ofModel.events.slice(1)).toEqual([
      ...["100 h.0.ln_2", "110 h.1.ln_2", "130 the end-of-text constant"],
      ...["180 the first-position constant", "600 the end"],
    ]);
    expect((await planOf("baroni-2025-small", "--model", "gpt2-medium")).title).toContain(
      "24 layers (gpt2-medium)",
    );
    const path = join(folder, "own.json");
    await writeFile(
      path,
      JSON.stringify({ base: "taper-norm-2026", name: "own", pace: { begin: 3, end: 9 } }),
    );
    expect((await planOf(path, "--layers", "1")).events.slice(1, -1)).toEqual([
      ...["3 the taper's start, all norms calibrated", "9 every norm, the taper's end"],
    ]);
  });

  it("refuses what has no plan", async () => {
    const refused = async (...argv: string[]) => {
      const { code, err } = await run(["recipes", "plan", ...argv]);
      expect(code).toBe(2);
      return err;
    };
    expect(await refused("fast")).toContain('there is no recipe "fast"');
    expect(await refused("taper-norm-2026", "--layers", "3", "--model", model)).toContain("give one of them");
    expect(await refused("taper-norm-2026", "--model", join(folder, "none"))).toContain(
      "give a model's folder, one of gpt2,",
    );
    expect(await refused("heimersheim-2024", "--layers", "60")).toMatch(
      /outside of steps 1 to 1199; give steps \d+/,
    );
    expect(await refused("taper-norm-2026", "--sites", "h.6")).toContain(
      "the model has 6 layers, h.0 to h.5",
    );
  });
});

describe("a published recipe", () => {
  it("fits a smaller run, and says what it did", async () => {
    const { code, out, err } = await dryRun(
      ...["--recipe", "heimersheim-2024", "--steps", "120", "--batch-size", "4"],
    );
    expect(code).toBe(0);
    expect(err).toContain("heimersheim-2024, scaled:\n");
    expect(err).toContain("learning rate: warm-up 100 → 10 updates, cosine over 2000 → 200");
    expect(err).toContain("micro-batch: 48 → 4 sequences, to divide 4");
    expect(err).toContain("an update: 491520 → 64 tokens");
    expect(out).toMatch(/\n +20 {2}h\.0\.ln_2\n +22 {2}h\.1\.ln_2\n/);
  });

  it("can be overridden by a file that names it", async () => {
    const path = join(folder, "mine.json");
    const fields = { base: "baroni-2025-small", name: "mine", steps: 30, batchSize: 4, pace: { start: 5 } };
    await writeFile(path, JSON.stringify(fields));
    const { code, out } = await dryRun("--recipe", path);
    expect(code).toBe(0);
    expect(out).toContain("recipe     mine, seed 1337");
    expect(out).toMatch(/\n +5 {2}h\.0\.ln_2\n/);
  });

  it("that has too few steps says how many it takes, and takes so many or any more", async () => {
    for (const name of Object.keys(removalRecipes)) {
      const sized = (steps: number) =>
        dryRun("--recipe", name, "--batch-size", "2", "--steps", String(steps));
      const { code, err } = await sized(1);
      expect(code).toBe(2);
      expect(err).toMatch(/at step \d+, and a run of one update has no room; give --steps \d+ or more\n$/);
      const least = Number(/--steps (\d+) or more/.exec(err)?.[1]);
      if (least > 2) expect((await sized(least - 1)).err).toContain(`give --steps ${least} or more`);
      for (const more of [0, 1, 2, 3]) expect((await sized(least + more)).code).toBe(0);
      if (name === "taper-norm-2026") expect(least).toBe(3);
    }
    const path = join(folder, "late.json");
    await writeFile(path, JSON.stringify({ steps: 50, pace: { start: 60 } }));
    expect((await dryRun("--recipe", path)).err).toContain(
      "h.0.ln_2 at step 60, outside of steps 1 to 49; give steps 61 or more, or a faster pace, in the recipe's file",
    );
  });

  it("as a file is not scaled to itself, and of what is scaled only that is told", async () => {
    const path = join(folder, "distilled.json");
    const { out: shown } = await run(["recipes", "show", "distilled"]);
    await writeFile(path, shown);
    const whole = await run([
      "remove",
      "--dry-run",
      "--model",
      model,
      "--recipe",
      path,
      "--block-size",
      "16",
    ]);
    const rate = (tokens: number, peak: string, after: string) =>
      `  learning rate: the peak stays ${peak}, which was chosen for ${tokens} tokens an update; the square-root rule would ` +
      `make it ${after} (--scale-learning-rate sqrt)\n`;
    expect(whole.err).toBe(
      `distilled, scaled:\n  an update: 1024 → 128 tokens\n${rate(1024, "0.0005", "0.000177")}`,
    );
    const fields = { base: "taper-norm-2026", name: "mine", steps: 600, learningRate: { warmupSteps: 7 } };
    await writeFile(path, JSON.stringify({ ...fields, pace: { begin: 20, end: 100 } }));
    expect((await dryRun("--recipe", path)).err).toBe(
      "mine, scaled:\n  learning rate: cosine over 300 → 600\n  looks on the way: every 50 → 100 updates\n" +
        "  an update: 2048 → 256 tokens\n" +
        rate(2048, "0.00045", "0.000159"),
    );
  });

  it("has rows of the model's context where its own are longer, and says so", async () => {
    const baroni = [
      "remove",
      "--dry-run",
      "--model",
      model,
      "--recipe",
      "baroni-2025-small",
      "--threads",
      "1",
    ];
    const { code, out, err } = await run(baroni);
    expect(code).toBe(0);
    expect(err).toContain("scaled:\n  block size: 1024 → 16 tokens, the model's context\n");
    expect(err).toContain("an update: 524288 → 8192 tokens");
    expect(out).toContain("updates of 512 × 16 tokens");
    // A file's rows are the recipe's; an option is what was asked for.
    const path = join(folder, "rows.json");
    await writeFile(path, JSON.stringify({ blockSize: 32 }));
    const file = await run(["remove", "--dry-run", "--model", model, "--recipe", path, "--threads", "1"]);
    expect(file.err).toContain("block size: 32 → 16 tokens, the model's context");
    expect((await run([...baroni, "--block-size", "8"])).err).not.toContain("the model's context");
    const tooLong = await run([...baroni, "--block-size", "32"]);
    expect(tooLong.code).toBe(2);
    expect(tooLong.err).toContain("blockSize 32 is more than the model's context of 16");
  });

  it("scales its learning rate by the tokens an update where that is asked for", async () => {
    const out = (...argv: string[]) => dryRun("--recipe", "baroni-2025-small", "--batch-size", "8", ...argv);
    // 8 × 16 tokens for 512 × 1024 are a 4,096th.
    expect((await out("--scale-learning-rate", "sqrt")).err).toContain(
      "learning rate: peak 0.0006 → 0.00000937, by the square root of the tokens an update",
    );
    expect((await out()).err).toContain("would make it 0.00000937 (--scale-learning-rate sqrt)");
    // Who says a rate means it for the updates that there are, and nothing is to be said of it.
    expect((await out("--learning-rate", "1e-4")).err).not.toContain("square");
    const both = await out("--learning-rate", "1e-4", "--scale-learning-rate", "sqrt");
    expect(both.code).toBe(2);
    expect(both.err).toContain("give one of them");
    const path = join(folder, "rate.json");
    const fields = { base: "baroni-2025-small", batchSize: 8, blockSize: 16, learningRate: { peak: 1e-4 } };
    await writeFile(path, JSON.stringify(fields));
    const scaled = ["--recipe", path, "--batch-size", "32", "--scale-learning-rate", "sqrt"];
    expect((await dryRun(...scaled)).err).toContain("peak 0.0001 → 0.0002, by the square root");
    expect((await dryRun("--recipe", path)).err).not.toContain("square");
  });

  it("refuses the switches of other recipes", async () => {
    const refused = async (...argv: string[]) => {
      const { code, err } = await dryRun(...argv);
      expect(code).toBe(2);
      return err;
    };
    expect(await refused("--bug-compatible")).toMatch(/--bug-compatible is for recipes with constants/);
    expect(await refused("--recipe", "taper-norm-2026", "--shared-qkv-std")).toMatch(
      /taper-norm-2026 is none/,
    );
    expect(await refused("--recipe", "heimersheim-2024", "--shared-qkv-std")).toMatch(
      /heimersheim-2024 is none/,
    );
    const sizes = ["--steps", "120", "--batch-size", "4"];
    expect((await dryRun("--recipe", "heimersheim-2024", ...sizes, "--bug-compatible")).code).toBe(0);
    expect((await dryRun("--recipe", "baroni-2025-small", ...sizes, "--shared-qkv-std")).code).toBe(0);
  });
});
