/** What `--force` clears: what the run that is given up wrote, and nothing else. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readModelFolder } from "@normless/gpt2/node";
import { reference } from "@normless/tensor";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { outputsOf, writeChecked } from "../../src/export/export-job.js";
import type { OutputPath } from "../../src/options/outputs.js";
import { run, writeTiny } from "../support/tiny.js";

/** The end of the name of what a process on another machine was writing. */
const KILLED = "0.412@elsewhere.tmp";

let folder: string;
let tiny: { model: string; recipe: string };
/** A whole run of each command, with everything that it can write. */
let whole: Readonly<Record<"remove" | "train", string>>;
/** A copy of one of them. */
let out: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-files-"));
  tiny = await writeTiny(folder);
  whole = { remove: join(folder, "remove"), train: join(folder, "train") };
  const fields = {
    steps: 4,
    batchSize: 4,
    microBatchSize: 2,
    blockSize: 16,
    validationTokens: 200,
    checkpointEvery: 2,
  };
  await writeFile(join(folder, "train.json"), JSON.stringify(fields));
  expect((await begin("remove", whole.remove)).code).toBe(0);
  expect((await begin("train", whole.train)).code).toBe(0);
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  out = join(folder, "out");
});
afterEach(() => rm(out, { recursive: true, force: true }));

function begin(command: "remove" | "train", path: string, ...more: string[]) {
  const model = {
    remove: ["--model", tiny.model],
    train: ["--tokenizer", tiny.model, "--model-config", join(tiny.model, "config.json")],
  };
  const recipe = { remove: tiny.recipe, train: join(folder, "train.json") };
  return run([
    command,
    ...model[command],
    "--recipe",
    recipe[command],
    "--tensorboard",
    "--out",
    path,
    ...more,
    "--threads",
    "1",
  ]);
}

/** Puts a file into the copy of a run. */
async function put(path: string, text = "mine"): Promise<void> {
  await mkdir(join(out, path, ".."), { recursive: true });
  await writeFile(join(out, path), text);
}
const read = (path: string) => readFile(join(out, path), "utf8");
const namesIn = async (path: string) =>
  (await readdir(path, { recursive: true })).filter((name) => !name.includes("events.out")).sort();

describe.each(["remove", "train"] as const)("a run of %s that is given up", (before) => {
  it.each(["remove", "train"] as const)("is gone for one of %s, without a rest", async (command) => {
    await cp(whole[before], out, { recursive: true });
    // What a killed process leaves.
    const result = before === "remove" ? "ln-free" : "model";
    await put(`summary.json.${KILLED}`);
    await put(`checkpoints/step-00000004.msgpack.${KILLED}`);
    await put(`${result}.${KILLED}/model.safetensors.${KILLED}`);
    await put(`${result}/.writing.${KILLED}/model.safetensors`);
    await put(`${result}/tokenizer.json`);
    await put(`${result}/model-00001-of-00002.safetensors`);
    const { code, err } = await begin(command, out, "--force");
    expect([code, err]).toEqual([0, expect.not.stringContaining("left as they are")]);
    expect(await namesIn(out)).toEqual(await namesIn(whole[command]));
  });

  it("leaves what is not its own, and says so", async () => {
    await cp(whole[before], out, { recursive: true });
    const other = before === "remove" ? "model" : "ln-free";
    const mine = [
      "notes.txt",
      "checkpoints/best.msgpack",
      "tensorboard/other/notes",
      "tensorboard/other/events.out.tfevents.1.mine",
      `${other}/config.json`,
      `${other}/model.safetensors`,
    ];
    const inside = before === "remove" ? "ln-free/eval.json" : "model/eval.json";
    for (const path of [...mine, inside]) await put(path);
    await symlink(tiny.model, join(out, "link"));
    const { code, err } = await begin(before, out, "--force");
    expect(code).toBe(0);
    const [line] = err.split("\n").filter((text) => text.startsWith(`left as they are in ${out}: `));
    expect(line.split(": ")[1].split(", ").sort()).toEqual([...mine, inside, "link"].sort());
    for (const path of [...mine, inside]) expect(await read(path)).toBe("mine");
    expect(await readFile(join(out, "link/config.json"), "utf8")).toContain("gpt2");
  });
});

describe("--force is refused, and nothing touched,", () => {
  async function refused(command: "remove" | "train"): Promise<string> {
    const before = await namesIn(out);
    const { code, err } = await begin(command, out, "--force");
    expect(code).toBe(2);
    expect(await namesIn(out)).toEqual(before);
    return err;
  }

  it("where the new run would write over what the old one did not write", async () => {
    await cp(whole.remove, out, { recursive: true });
    await put("model/model.safetensors");
    expect(await refused("train")).toContain(
      `${join(out, "model/model.safetensors")} is none of the files of the run in ${out}, and one of the new run would`,
    );
    await rm(out, { recursive: true });
    await cp(whole.train, out, { recursive: true });
    await put("report.html");
    expect(await refused("remove")).toContain("report.html is none of the files");
  });

  it("where a link is in the place of a folder", async () => {
    await cp(whole.remove, out, { recursive: true });
    await rm(join(out, "ln-free"), { recursive: true });
    const elsewhere = join(folder, "elsewhere");
    await mkdir(elsewhere, { recursive: true });
    await symlink(elsewhere, join(out, "ln-free"));
    expect(await refused("remove")).toContain(`${join(out, "ln-free")} is none of the files`);
  });

  it("where nothing tells which command's run it is", async () => {
    await cp(whole.remove, out, { recursive: true });
    for (const text of ["{", "{}", '{"command": "bake"}', "[]"]) {
      await put("config.json", text);
      expect(await refused("remove")).toContain(
        `does not tell which command's run is in ${out}, so --force does not`,
      );
    }
    await rm(join(out, "metrics.jsonl"));
    expect(await refused("remove")).toContain("is no run folder");
  });
});

it("a run that was killed as it began, with its configuration alone, is begun again with --force", async () => {
  await mkdir(out);
  await cp(join(whole.remove, "config.json"), join(out, "config.json"));
  await put(`metrics.jsonl.${KILLED}`);
  expect((await begin("train", out)).err).toContain("exists and is not empty");
  expect((await begin("train", out, "--force")).code).toBe(0);
  expect(await namesIn(out)).toEqual(await namesIn(whole.train));
});

it("a folder with nothing but what a killed process was writing is empty", async () => {
  await put(`config.json.${KILLED}`);
  expect((await begin("train", out)).code).toBe(0);
  expect(await namesIn(out)).toEqual(await namesIn(whole.train));
});

it("--resume is refused where a link leads out of the folder", async () => {
  await cp(whole.remove, out, { recursive: true });
  await rm(join(out, "summary.json"));
  await rm(join(out, "ln-free"), { recursive: true });
  const elsewhere = join(folder, "not-a-run");
  await mkdir(elsewhere, { recursive: true });
  await writeFile(join(elsewhere, "model.safetensors"), "mine");
  await symlink(elsewhere, join(out, "ln-free"));
  const { code, err } = await run(["remove", "--resume", out, "--threads", "1"]);
  expect([code, err]).toEqual([
    2,
    expect.stringContaining(`${join(out, "ln-free")} is a link; the run makes a folder`),
  ]);
  expect(await readFile(join(elsewhere, "model.safetensors"), "utf8")).toBe("mine");
});

it("a model that is not what was read back is removed again, and nothing else", async () => {
  await put("notes.txt");
  await put("mine/model.safetensors");
  const loaded = await readModelFolder(tiny.model);
  const backend = reference();
  const tokens = Uint16Array.from({ length: 40 }, (_, i) => i % 7);
  const { loss, ...rest } = await outputsOf(backend, loaded, tokens);
  const expected = { backend, before: { ...rest, loss: loss + 1 }, tokens };
  await expect(writeChecked(expected, out as OutputPath, loaded, { overwrite: true })).rejects.toThrow(
    /what was read back is not the model: .* What was written was removed/s,
  );
  expect(await namesIn(out)).toEqual(["mine", "mine/model.safetensors", "notes.txt"]);
  const alone = join(out, "alone") as OutputPath;
  await expect(writeChecked(expected, alone, loaded)).rejects.toThrow("What was written was removed");
  expect(await namesIn(out)).toEqual(["mine", "mine/model.safetensors", "notes.txt"]);
});
