/** What people get wrong: one clear message, the right exit code, and nothing lost. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freezeAll, initWeights, normModules, standardNorms } from "@normless/gpt2";
import { writeModelFolder } from "@normless/gpt2/node";
import { writeNanogptShard } from "@normless/text";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, tinyConfig, writeTiny } from "../support/tiny.js";

let folder: string;
let tiny: { model: string; recipe: string };
/** A run that was stopped after a few steps. */
let stopped: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-bad-"));
  tiny = await writeTiny(folder);
  stopped = join(folder, "stopped");
  await run([...start(), "--out", stopped], "control 1/12");
});
afterAll(() => rm(folder, { recursive: true }));

const start = () => ["remove", "--model", tiny.model, "--recipe", tiny.recipe, "--threads", "1"];

/** Runs a command line that must be refused; what it says. */
async function refused(code: number, ...argv: string[]): Promise<string> {
  const ran = await run(argv);
  expect(ran.code).toBe(code);
  expect(ran.err).not.toMatch(/\n +at /);
  return ran.err;
}
/** A copy of the tiny model that a test may damage. */
async function modelCopy(name: string): Promise<string> {
  const path = join(folder, name);
  await cp(tiny.model, path, { recursive: true });
  return path;
}
async function write(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

describe("usage", () => {
  it("names options that do not exist or have bad values", async () => {
    expect(await refused(2, "remove", "--stepz", "3")).toMatch(
      /unknown option '--stepz'\n\(Did you mean --steps\?\)/,
    );
    expect(await refused(2, "remove", "--steps", "many")).toContain(
      "Expected a whole number from 1 to 1073741824.",
    );
    expect(await refused(2, "remove", "--simd", "neon")).toContain(
      "Allowed choices are auto, relaxed, plain.",
    );
    expect(await refused(2, "export", "--model", "x")).toContain(
      "required option '--out <dir>' not specified",
    );
    // The right name of what another command calls so.
    expect(await refused(2, "logits", "--tokens", "rows.json", "--safetensors", "x")).toContain(
      "required option '--token-ids <file.json>' not specified",
    );
    expect(await refused(2, "compare", "a", "b")).toContain(
      "required option '--model <dir|name...>' not specified",
    );
    expect(await refused(2, "compare", "--model", "a", "b", "--tokens", "0")).toContain(
      "Expected a whole number from 1 up, or all.",
    );
    expect(await refused(2, "removal")).toContain("unknown command 'removal'");
  });

  it("names the file, the path and the value of a bad field", async () => {
    const field = (recipe: object) => write("bad.json", JSON.stringify(recipe));
    const recipe = async (fields: object) =>
      refused(2, "remove", "--dry-run", "--recipe", await field(fields));
    expect(await recipe({ pace: { start: 1.5 } })).toMatch(/bad\.json: pace\.start is 1\.5; expected int/);
    expect(await recipe({ pace: { kind: "taper", begin: 3 } })).toMatch(/bad\.json: pace\.end is missing/);
    expect(await recipe({ base: "slow" })).toContain(
      'there is no recipe "slow"; the built-in ones are: distilled, heimersheim-2024',
    );
    expect(await recipe({ base: "distiled" })).toContain('Did you mean "distilled"?');
    expect(await recipe({ bsae: "distilled" })).toContain(
      'bad.json: there is no field "bsae". Did you mean "base"?',
    );
    expect(await recipe({ learningRate: { peek: 1 } })).toMatch(
      /bad\.json: learningRate: there is no field "peek"; the fields are peak, floor, warmupSteps, totalSteps/,
    );
    const config = await write("options.json", '{"threads": 0}');
    expect(await refused(2, "remove", "--config", config)).toMatch(/options\.json: threads is 0; expected/);
    const inside = await write("inside.json", '{"recipe": {"steps": 0}}');
    expect(await refused(2, "remove", "--config", inside)).toMatch(
      /inside\.json: recipe: steps is 0; expected/,
    );
    const base = await write("base.json", '{"recipe": {"base": "slow"}}');
    expect(await refused(2, "train", "--config", base)).toMatch(
      /base\.json: recipe: there is no recipe "slow"/,
    );
    const name = await write("name.json", '{"recipe": "slow"}');
    expect(await refused(2, "remove", "--config", name)).toMatch(/name\.json: there is no recipe "slow"/);
    expect(await refused(2, "remove", "--config", await write("no.json", "{"))).toContain("is not JSON");
    expect(await refused(2, "remove", "--recipe", "quick")).toContain(
      "the built-in ones are: distilled, heimersheim-2024",
    );
  });
});

describe("a recipe", () => {
  it("that does not fit is refused by its options, with what would fit", async () => {
    const dry = (...argv: string[]) => refused(2, ...start(), "--dry-run", ...argv);
    expect(await dry("--block-size", "32")).toContain(
      "blockSize 32 is more than the model's context of 16; give --block-size 16 or less",
    );
    expect(await dry("--batch-size", "15", "--micro-batch-size", "4")).toContain(
      "batchSize 15 is not a multiple of microBatchSize 4; give --micro-batch-size 3",
    );
    const recipe = async (pace: object) =>
      dry("--recipe", await write("pace.json", JSON.stringify({ blockSize: 16, pace })));
    expect(await recipe({ start: 950 })).toContain(
      "h.0.ln_2 at step 950, outside of steps 1 to 899; give steps 951 or more, or a faster pace",
    );
    expect(await recipe({ kind: "taper", begin: 50, end: 40, keep: 0.9 })).toContain(
      "the taper begins at step 50 and ends at 40; give pace.end 51 or more",
    );
  });

  it("comes with an engine of its own library, or with neither", async () => {
    expect(await refused(2, ...start(), "--dry-run", "--blas-library", "libblas.so")).toContain(
      "--blas-library goes with --backend blas, and the backend is wasm",
    );
  });
});

describe("a model", () => {
  it("whose safetensors file is truncated", async () => {
    const model = await modelCopy("truncated");
    const path = join(model, "model.safetensors");
    await writeFile(path, (await readFile(path)).subarray(0, 5000));
    const message = await refused(1, "eval", "--model", model);
    expect(message).toContain(path);
    expect(message).toMatch(/truncated|ends/);
  });

  it("whose config does not match its weights", async () => {
    const model = await modelCopy("mismatch");
    const path = join(model, "config.json");
    const config = JSON.parse(await readFile(path, "utf8")) as object;
    await writeFile(path, JSON.stringify({ ...config, n_embd: 16 }));
    expect(await refused(1, "eval", "--model", model)).toMatch(
      /parameter wte\.weight has shape .*257,8.* asks for .*257,16/,
    );
  });

  it("that is not there, or has no norms to remove", async () => {
    expect(await refused(1, "eval", "--model", join(folder, "none"))).toContain("there is no such folder");
    const frozen = join(folder, "frozen");
    const norms = freezeAll(
      standardNorms(tinyConfig),
      Object.fromEntries(normModules(tinyConfig).map((m) => [m, 1])),
    );
    await writeModelFolder(frozen, { config: tinyConfig, weights: initWeights(tinyConfig, 1), norms });
    const corpus = ["--corpus", tiny.model];
    expect(await refused(2, "remove", "--model", frozen, ...corpus)).toContain(
      "is LN-free already: all 7 of its norms are frozen (normless's own",
    );
    expect(await refused(2, "generate", "--model", frozen, "--prompt", "x")).toContain("has no tokenizer");
    expect(await refused(2, "remove", "--model", frozen)).toContain("is LN-free already");
    const alone = join(folder, "alone");
    const plain = {
      config: tinyConfig,
      weights: initWeights(tinyConfig, 1),
      norms: standardNorms(tinyConfig),
    };
    await writeModelFolder(alone, plain);
    expect(await refused(2, "remove", "--model", alone)).toContain("has no train tokens");
  });
});

describe("tokens", () => {
  it("outside the vocabulary, in a corpus or in rows", async () => {
    const corpus = await write(
      "far.bin",
      writeNanogptShard(Uint16Array.from({ length: 100 }, (_, i) => 3 * i)),
    );
    expect(await refused(1, ...start(), "--train", corpus)).toMatch(
      /far\.bin: token 86 has id 258, outside the model's vocabulary of 257/,
    );
    const rows = await write("far.json", "[[1,2],[3,300]]");
    const out = join(folder, "never.safetensors");
    expect(
      await refused(1, "logits", "--model", tiny.model, "--token-ids", rows, "--safetensors", out),
    ).toMatch(/row 1, position 1 holds id 300, outside the vocabulary of 257/);
    const uneven = await write("uneven.json", "[[1,2],[3]]");
    expect(
      await refused(2, "logits", "--model", tiny.model, "--token-ids", uneven, "--safetensors", out),
    ).toContain("row 1 of the tokens has 1 ids, and the first row 2");
  });

  it("that are none, too few, damaged or of no known kind", async () => {
    const train = async (name: string, content: string | Uint8Array, code: number) =>
      refused(code, ...start(), "--train", await write(name, content));
    expect(await train("empty.bin", "", 1)).toMatch(/empty\.bin: .*the shard is empty/);
    expect(await train("empty.txt", " \n", 1)).toMatch(/empty\.txt: the text is empty/);
    expect(await train("few.bin", writeNanogptShard(new Uint16Array(9)), 2)).toContain(
      "the train corpus has 9 tokens; a row of 16 needs at least 17; give --block-size 8 or less, or more text",
    );
    expect(await train("one.bin", writeNanogptShard(new Uint16Array(1)), 2)).toContain(
      "give --train more text",
    );
    expect(await train("cut.bin.gz", Uint8Array.of(31, 139, 8), 1)).toMatch(
      /cut\.bin\.gz: is no whole gzip file/,
    );
    expect(await train("tokens.npy", "", 2)).toMatch(
      /tokens\.npy: is none of the files that are read \(\.bin, /,
    );
    expect(await refused(1, ...start(), "--train", join(folder, "gone.bin"))).toContain(
      "there is no such file",
    );
  });
});

it("a column of files that have none is refused, by every command that reads data", async () => {
  const data = await write("plain.txt", "Fellow citizens");
  const val = join(tiny.model, "val.bin");
  const one = ["--model", tiny.model];
  for (const argv of [
    ["eval", ...one, "--data", data, val],
    ["compare", "--model", tiny.model, tiny.model, "--data", data],
    ["inspect", ...one, "--data", data],
    ["attribute", ...one, "--prompt", "a", "--data", data],
    ["export", ...one, "--data", data, "--out", join(folder, "never")],
    ["train", "--tokenizer", tiny.model, "--train", data, "--validation", data],
    [...start(), "--train", data],
  ]) {
    for (const option of ["--text-column", "--token-column"]) {
      expect(await refused(2, ...argv, option, "foo")).toMatch(
        new RegExp(
          `${option}: only \\.jsonl and \\.parquet files have rows, and there is none among .*plain\\.txt`,
        ),
      );
    }
  }
  // One of two is enough.
  const rows = await write("rows.jsonl", '{"foo": "Fellow citizens of the Senate"}\n');
  const mixed = [...start(), "--dry-run", "--validation", rows, "--text-column", "foo"];
  expect((await run(mixed)).code).toBe(0);
});

describe("a run folder", () => {
  it("that exists is kept, unless it is a run that is given up", async () => {
    const message = await refused(2, ...start(), "--out", stopped);
    expect(message).toContain(`--resume ${stopped}`);
    expect(message).toContain("--out DIR");
    expect(message).toContain("--force");
    expect(await refused(2, ...start(), "--out", stopped, "--dry-run")).toBe(message);
    expect(await refused(2, ...start(), "--out", tiny.model, "--force")).toContain("is no run folder");
    const given = join(folder, "given-up");
    await cp(stopped, given, { recursive: true });
    expect((await run([...start(), "--out", given, "--force"])).code).toBe(0);
    expect(await refused(2, "remove", "--resume", given)).toContain("is finished");
  });

  it("resumes only with the model, the corpus and the command that it began with", async () => {
    const other = await modelCopy("other");
    const weights = initWeights(tinyConfig, 6);
    const model = { config: tinyConfig, weights, norms: standardNorms(tinyConfig) };
    await writeModelFolder(other, model, { overwrite: true });
    expect(await refused(1, "remove", "--resume", stopped, "--model", other)).toContain(
      "the checkpoint belongs to another model",
    );
    const val = join(tiny.model, "val.bin");
    expect(await refused(1, "remove", "--resume", stopped, "--train", val)).toContain(
      "the corpus is not the one",
    );
    expect(await refused(1, "train", "--resume", stopped)).toContain("it is one of `normless remove`");
    expect(await refused(2, "remove", "--resume", stopped, "--batch-size", "2")).toContain(
      "--batch-size cannot change a run that has begun",
    );
    expect(await refused(2, "remove", "--resume", folder)).toContain("is no run folder");
    // None of that has harmed it.
    expect((await run(["remove", "--resume", stopped, "--threads", "1"])).code).toBe(0);
  });

  it("with nothing but damaged checkpoints says so", async () => {
    const out = join(folder, "all-damaged");
    await run([...start(), "--out", out], "control 1/12");
    await writeFile(join(out, "checkpoints", "step-00000001.msgpack"), "not a checkpoint");
    expect(await refused(1, "remove", "--resume", out)).toMatch(/every checkpoint .* is damaged .*--force/);
  });
});
