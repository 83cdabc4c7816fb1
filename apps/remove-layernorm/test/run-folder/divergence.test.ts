/** After a loss has diverged: what is said, and that what is said helps. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { metricsOf, run, tinyRecipe, writeTiny } from "../support/tiny.js";

let folder: string;
let tiny: { model: string; recipe: string };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-divergence-"));
  tiny = await writeTiny(folder);
  // Distilled, nothing is learned before the first norm goes; then such a rate leaves no number.
  const learningRate = { peak: 1e20, floor: 1e19, warmupSteps: 0, totalSteps: 12 };
  const pace = { ...tinyRecipe.pace, start: 4 };
  const wild = {
    ...tinyRecipe,
    name: "wild",
    loss: "distillation",
    steps: 14,
    checkpointEvery: 1,
    learningRate,
    pace,
  };
  await writeFile(join(folder, "wild.json"), JSON.stringify({ ...wild, weightDecay: 0, auxiliaryWeight: 0 }));
});
afterAll(() => rm(folder, { recursive: true }));

const start = (out: string, ...more: string[]) => [
  ...["remove", "--model", tiny.model, "--recipe", join(folder, "wild.json"), "--out", out, "--threads", "1"],
  ...more,
];
/** The commands that a text gives to type. */
const commands = (text: string) =>
  [...text.matchAll(/^ {2}npx normless (.*)$/gm)].map(([, words]) => words.split(" "));
const json = async (...path: string[]) =>
  JSON.parse(await readFile(join(...path), "utf8")) as Record<string, unknown>;

describe("a removal that has diverged", () => {
  it("says since when, after what, and from where to go on with which change; and that works", async () => {
    const out = join(folder, "wild");
    const failed = await run(start(out));
    expect(failed.code).toBe(1);
    expect(failed.err).toMatch(/the loss is NaN at step 5: training has diverged/);
    expect(failed.err).toMatch(
      /\nIt came at once, at update 6 of the removal, after h\.0\.ln_2 had gone \(step 4, KL [+−]?\d\.\d{4} nats at once\)\.\n/,
    );
    expect(await readdir(join(out, "checkpoints"))).toEqual([
      "step-00000004.msgpack",
      "step-00000005.msgpack",
    ]);
    const given = commands(failed.err);
    const resume = ["remove", "--resume", out, "--checkpoint", "4"];
    expect(given).toEqual([
      [...resume, "--gap-factor", "2", "--steps", "21"],
      [...resume, "--learning-rate", "50000000000000000000"],
    ]);
    expect(failed.err).toContain(
      "The checkpoint of 4 updates is from before that; to go on from there with twice the gaps",
    );

    const went = await run([...given[0], "--learning-rate", "0.001"]);
    expect(went.code).toBe(0);
    const said = /step 4: from here on (.*)\n/.exec(went.err)?.[1];
    expect(said).toContain("steps 14 → 21");
    expect(said).toContain("learning rate 100000000000000000000 → 0.001");
    expect(said).toContain("pace.gaps.ln_2 1 → 2");
    const { recipe } = (await json(out, "config.json")) as { recipe: Record<string, unknown> };
    expect(recipe).toMatchObject({ steps: 21, learningRate: { peak: 0.001, floor: 0.0001 } });
    const lines = (await metricsOf(out)) as { type: string; step?: number }[];
    const change = lines.findIndex(({ type }) => type === "change");
    expect(lines[change]).toMatchObject({ phase: "removal", step: 4 });
    // All that was done after the checkpoint is done again, and told once.
    expect(lines.filter(({ type }) => type === "step").map(({ step }) => step)).toEqual(
      Array.from({ length: 21 }, (_, i) => i + 1),
    );
    const report = (await readFile(join(out, "report.html"), "utf8")).replace(/\s+/g, " ");
    expect(report).toMatch(/The recipe as it ended; from update 5 of the removal on: [^.]*steps 14 → 21/);
    const card = await readFile(join(out, "ln-free", "README.md"), "utf8");
    expect(card).toMatch(/^npx normless remove --resume RUN --checkpoint 4 .*--gap-factor 2/m);
    expect(report).toContain("npx normless remove --resume RUN --checkpoint 4 ");
    expect(card).toMatch(/^From update 5 of the removal on: .*steps 14 → 21/m);
  });

  it("keeps a checkpoint from before while the loss is gone, however many come after", async () => {
    // Large, but not so large that numbers are lost: the loss goes up and stays there.
    const out = join(folder, "high");
    const stopped = await run(start(out, "--learning-rate", "3"), "removal 10/14");
    expect(stopped.code).toBe(130);
    expect(stopped.err).toMatch(
      /stopped; a checkpoint is saved\. .*\n.*\nThe loss \(KL\) was more than 1 nat above the original's from/s,
    );
    const saved = (await readdir(join(out, "checkpoints"))).map((name) => Number(/\d+/.exec(name)?.[0]));
    expect(saved).toHaveLength(3);
    const onset = Number(/from update (\d+) of the removal on/.exec(stopped.err)?.[1]);
    expect(saved[0]).toBe(onset - 2);
    expect(stopped.err).toContain(`--checkpoint ${saved[0]} --learning-rate 1.5\n`);

    const none = await run(["remove", "--resume", out, "--checkpoint", "9999"]);
    expect(none.code).toBe(2);
    expect(none.err).toContain(
      `has no checkpoint of 9999 updates; give --checkpoint ${saved[2]}, ${saved[1]} or ${saved[0]}\n`,
    );
    // Stopped there again: later ones are gone, or else the next resumption would take one of them.
    await run(
      ["remove", "--resume", out, "--checkpoint", String(saved[0]), "--learning-rate", "0.001"],
      "from here on",
    );
    const left = (await readdir(join(out, "checkpoints"))).map((name) => Number(/\d+/.exec(name)?.[0]));
    expect(Math.max(...left)).toBeLessThan(saved[1]);
    // The change stays the run's.
    const ended = await run(["remove", "--resume", out]);
    expect(ended.code).toBe(0);
    const lines = (await metricsOf(out)) as { type: string }[];
    expect(lines.filter(({ type }) => type === "change")).toHaveLength(1);
    expect(await json(out, "config.json")).toMatchObject({ recipe: { learningRate: { peak: 0.001 } } });
  });

  it("with no checkpoint from before says to begin again", async () => {
    const out = join(folder, "late");
    const failed = await run(start(out, "--checkpoint-every", "100"));
    // With twice the gaps, the plan would not fit into the updates that there are.
    expect(failed.err).toContain(
      "No checkpoint is from before that. Begin again with half the learning rate, --learning-rate 50000000000000000000.\n",
    );
    const roomy = await run(start(join(folder, "roomy"), "--checkpoint-every", "100", "--steps", "40"));
    expect(roomy.err).toContain(", --learning-rate 50000000000000000000.\n");
    const again = [...start(out, "--force", "--dry-run"), "--gap-factor", "1.1", "--learning-rate", "0.001"];
    const planned = await run(again);
    expect(planned.err).toMatch(/wild, scaled:\n.*removals: from step 4, a layer every .* → from step 4/s);
    expect(planned.code).toBe(0);
    expect((await run([...start(out, "--force", "--dry-run"), "--gap-factor", "5"])).err).toMatch(
      /outside of steps 1 to 13; give steps 15 or more/,
    );
  });

  it("refuses a change that a run cannot take, by its name", async () => {
    const out = join(folder, "refusing");
    expect((await run(start(out, "--learning-rate", "0.001"), "step-00000008")).code).toBe(130);
    const refused = async (...more: string[]) => {
      const { code, err } = await run(["remove", "--resume", out, ...more]);
      expect(code).toBe(2);
      return err;
    };
    expect(await refused("--seed", "5")).toContain("--seed cannot change a run that has begun");
    expect(await refused("--steps", "3")).toMatch(/8 updates are done already; give --steps 8 or more/);
    expect(await refused("--gap-factor", "20")).toMatch(/outside of steps 1 to 13; give --steps \d+ or more/);
    expect((await run(start(out, "--force", "--checkpoint", "3"))).err).toContain(
      "--checkpoint goes with --resume DIR",
    );
    const config = join(out, "config.json");
    const text = await readFile(config, "utf8");
    await writeFile(config, text.replace('"seed": 1337', '"seed": 1338'));
    const { code, err } = await run(["remove", "--resume", out]);
    expect(code).toBe(1);
    expect(err).toContain(`${config}: seed is 1338 and was 1337 when the run began`);
  });
});

describe("a training that has diverged", () => {
  it("advises half the learning rate from the checkpoint before, and takes it", async () => {
    const shape = join(tiny.model, "config.json");
    const recipe = join(folder, "train.json");
    const learningRate = { peak: 1e20, floor: 1e20, warmupSteps: 4, totalSteps: 12 };
    const sizes = { steps: 12, batchSize: 2, microBatchSize: 2, blockSize: 16, validationTokens: 40 };
    await writeFile(
      recipe,
      JSON.stringify({ ...sizes, learningRate, checkpointEvery: 1, evaluateEvery: 50 }),
    );
    const out = join(folder, "train");
    const argv = ["--model-config", shape, "--tokenizer", tiny.model, "--recipe", recipe, "--threads", "1"];
    const failed = await run(["train", ...argv, "--out", out]);
    expect(failed.code).toBe(1);
    expect(failed.err).toMatch(/training has diverged; lower the learning rate\n/);
    const [given, ...others] = commands(failed.err);
    if (given === undefined) {
      expect(failed.err).toContain(
        "No checkpoint is from before that. Begin again with half the learning rate",
      );
      return;
    }
    expect(others).toEqual([]);
    expect(given.slice(0, 3)).toEqual(["train", "--resume", out]);
    const went = await run([...given.slice(0, -1), "0.001"]);
    expect(went.code).toBe(0);
    expect(went.err).toMatch(/from here on learning rate 1e\+20 → 0\.001/);
  });
});
