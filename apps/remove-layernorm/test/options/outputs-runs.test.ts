/** Nothing that a run reads is lost to what it clears or writes over in its folder. */
import { cp, link, mkdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { everything, FOLDERS, pairs, RUNS, Workplace } from "../support/commands-files.js";
import { run } from "../support/tiny.js";

/** Folders of stopped runs, by the command. */
let runs: Record<string, string>;
let place: Workplace;
let folder: string;
let model: string;
let files: Readonly<Record<string, string>>;
beforeAll(async () => {
  place = await Workplace.create();
  ({ folder, model, files } = place);
  runs = { remove: join(folder, "remove"), train: join(folder, "train") };
  const fields = { steps: 12, batchSize: 4, microBatchSize: 2, blockSize: 16, validationTokens: 200 };
  const recipe = { train: join(folder, "train.json"), remove: place.recipe };
  await writeFile(recipe.train, JSON.stringify(fields));
  const stopAt = { remove: "control 1/12", train: "train 1/12" };
  for (const command of RUNS) {
    const argv = [command, ...place.needed(command), "--recipe", recipe[command], "--out", runs[command]];
    const { code, err } = await run([...argv, "--threads", "1"], stopAt[command]);
    expect(code, err).toBe(130);
  }
});
afterAll(() => rm(folder, { recursive: true }));

const refused = (argv: readonly string[]) => place.refused(argv);
const toRuns = pairs.filter(({ command }) => RUNS.some((name) => name === command));

describe("a run folder", () => {
  /** What a run of a command clears or writes over. */
  const names: Readonly<Record<string, readonly string[]>> = {
    remove: ["ln-free", "ln-free-gpt2", "control", "checkpoints", "tensorboard"],
    train: ["model", "checkpoints", "tensorboard"],
  };

  /** Puts what `input` reads to `path`, or to a path in it. */
  async function placed(input: string, path: string): Promise<string> {
    if (FOLDERS.includes(input)) {
      await cp(model, path, { recursive: true });
      return path;
    }
    await mkdir(path, { recursive: true });
    const own = join(path, basename(files[input]));
    await cp(files[input], own);
    return own;
  }

  it.each(toRuns)("of $command is not cleared where $input lies in it", async ({ command, input }) => {
    for (const before of RUNS) {
      for (const name of names[before]) {
        const out = join(folder, "given-up");
        await cp(runs[before], out, { recursive: true });
        await rm(join(out, name), { recursive: true, force: true });
        const own = await placed(input, join(out, name));
        await symlink(out, join(folder, "same"));
        const linked = join(folder, "same", relative(out, own));
        for (const [path, to] of [
          [own, out],
          [linked, out],
          [own, join(folder, "same")],
          [`${out}/checkpoints/../${relative(out, own)}`, out],
        ]) {
          const err = await refused([...place.withInput(command, input, path), "--out", to, "--force"]);
          expect(err).toContain(
            `--out ${to} would clear or write over ${join(to, name)}, and so ${input} ${path}`,
          );
        }
        await rm(join(folder, "same"));
        await rm(out, { recursive: true });
      }
    }
  });

  it("is not cleared where a file of options says what lies in it", async () => {
    const out = join(folder, "given-up");
    await cp(runs["train"], out, { recursive: true });
    await cp(model, join(out, "model"), { recursive: true });
    const options = join(folder, "asked.json");
    await writeFile(options, JSON.stringify({ model: join(out, "model"), out }));
    expect(await refused(["remove", "--config", options, "--force"])).toContain(
      `--out ${out} would clear or write over ${join(out, "model")}, and so --model ${join(out, "model")}`,
    );
    await rm(options);
    await rm(out, { recursive: true });
  });

  it("is not cleared where one of its own files is read", async () => {
    const out = join(folder, "given-up");
    await cp(runs["remove"], out, { recursive: true });
    const data = join(folder, "data.jsonl");
    await link(join(out, "metrics.jsonl"), data);
    for (const [argv, what] of [
      [["remove", "--model", model, "--train", join(out, "metrics.jsonl")], "metrics.jsonl"],
      [["remove", "--model", model, "--train", data], "data.jsonl"],
      [["remove", "--model", model, "--config", join(out, "config.json")], "config.json"],
      [["train", "--tokenizer", out], "config.json of --tokenizer"],
    ] as const) {
      if (what === "config.json") await writeFile(join(out, "config.json"), '{"command": "remove"}');
      const { code, err } = await run([...argv, "--out", out, "--force"]);
      expect([code, err], what).toEqual([2, expect.stringContaining(what)]);
    }
    await rm(data);
    await rm(out, { recursive: true });
  });

  it("is not gone on with where what is read would be written over", async () => {
    const out = join(folder, "resumed");
    for (const command of RUNS) {
      await cp(runs[command], out, { recursive: true });
      const [last] = names[command];
      await rm(join(out, last), { recursive: true, force: true });
      await cp(model, join(out, last), { recursive: true });
      for (const [option, path] of [
        [command === "remove" ? "--model" : "--tokenizer", join(out, last)],
        ["--train", join(out, last, "train.bin")],
        ["--validation", join(out, last, "val.bin")],
        ["--train", join(out, "metrics.jsonl")],
      ]) {
        const err = await refused([command, "--resume", out, option, path]);
        expect(err).toContain(`--resume ${out} would clear or write over`);
        expect(err).toContain(`${option} ${path}, which is read`);
      }
      await rm(out, { recursive: true });
    }
  });

  it("is gone on with where what is read lies in it out of the way", async () => {
    const out = join(folder, "resumed");
    await cp(runs["remove"], out, { recursive: true });
    await cp(model, join(out, "mine"), { recursive: true });
    const { code, err } = await run([
      "remove",
      "--resume",
      out,
      "--model",
      join(out, "mine"),
      "--threads",
      "1",
    ]);
    expect([code, err]).toEqual([0, expect.stringContaining("going on from")]);
    expect((await stat(join(out, "mine/model.safetensors"))).isFile()).toBe(true);
    await rm(out, { recursive: true });
  });

  it("may lie in the folder of what is read", async () => {
    const own = join(folder, "own");
    await cp(model, own, { recursive: true });
    const before = await everything(own);
    const argv = ["remove", "--model", own, "--recipe", place.recipe, "--out", join(own, "run")];
    expect((await run([...argv, "--threads", "1"])).code).toBe(0);
    expect(await everything(own)).toMatchObject(before);
    await rm(own, { recursive: true });
  });
});
