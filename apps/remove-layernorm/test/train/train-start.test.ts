/** What a training starts from: the tokenizer's vocabulary in a shape, or a model that has weights already. */
import { cp, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import {
  configText,
  foldModel,
  freezeAll,
  type HostModel,
  initWeights,
  normModules,
  replaceNorm,
  standardNorms,
  toEps1e12,
} from "@normless/gpt2";
import { readModelFolder, writeModelFolder } from "@normless/gpt2/node";
import { frozenNorm } from "@normless/layernorm";
import { writeNanogptShard } from "@normless/text";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { metricsOf, run, tinyConfig, writeTiny } from "../support/tiny.js";

let folder: string;
let model: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-train-start-"));
  ({ model } = await writeTiny(folder));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

const out = (name: string) => join(folder, name);
const sizes = [
  ...["--steps", "12", "--batch-size", "4", "--block-size", "8", "--evaluate-every", "4", "--threads", "1"],
  ...["--checkpoint-every", "5", "--validation-tokens", "100", "--learning-rate", "1e-3"],
];
const train = (name: string, ...more: string[]) => run(["train", "--out", out(name), ...sizes, ...more]);
const trained = (name: string) => readModelFolder(join(out(name), "model"));
async function refused(...more: string[]): Promise<string> {
  const { code, err } = await train("refused", ...more);
  expect(code).toBe(2);
  expect(await readdir(folder)).not.toContain("refused");
  return err;
}
async function write(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(out(name), content);
  return out(name);
}
const shape = (config: object) => write("shape.json", JSON.stringify(config));
const hfConfig = JSON.parse(configText(tinyConfig, standardNorms(tinyConfig))) as Record<string, unknown>;
/** A small shape that is a preset's but for these. */
const small = ["--layers", "1", "--channels", "8", "--heads", "2", "--context", "16"];

describe("a preset", () => {
  it("has the vocabulary and end-of-text of the tokenizer, and says so", async () => {
    const { code, err } = await train("own", "--tokenizer", model, ...small);
    expect(err).toContain(
      `preset base with the tokenizer in ${model}: vocabulary 4096 → 257, end-of-text 4095 → 256\n`,
    );
    expect(code).toBe(0);
    const { config, tokenizer } = await trained("own");
    expect(config).toMatchObject({
      vocabSize: 257,
      eot: 256,
      layers: 1,
      channels: 8,
      inner: 32,
      blockSize: 16,
    });
    expect(tokenizer?.eot).toBe(256);
  });

  it("says nothing where it has them already", async () => {
    const { err } = await train("sotu", ...small);
    expect(err).not.toContain("preset");
    expect((await trained("sotu")).config).toMatchObject({ vocabSize: 4096, eot: 4095 });
  });

  it("keeps every field open", async () => {
    const more = ["--inner", "24", "--vocab-size", "300"];
    const { err } = await train("wide", "--tokenizer", model, "--preset", "small", ...small, ...more);
    expect(err).toContain("preset small with");
    expect(err).toContain("vocabulary 50257 → 300, end-of-text 50256 → 256");
    expect((await trained("wide")).config).toMatchObject({ vocabSize: 300, eot: 256, inner: 24 });
    const options = { layers: 1, channels: 8, heads: 2, context: 16, tokenizer: model };
    const file = await write("options.json", JSON.stringify(options));
    await train("from-file", "--config", file);
    expect((await trained("from-file")).config).toEqual((await trained("own")).config);
  });

  it("is refused where its fields make no model, or none for the tokenizer", async () => {
    expect(await refused("--tokenizer", model, ...small, "--heads", "3")).toContain(
      "the shape that is asked for: config: 8 channels do not divide into 3 heads",
    );
    expect(await refused("--tokenizer", model, ...small, "--vocab-size", "100")).toContain(
      `the tokenizer in ${model} has 257 tokens, and the vocabulary that is asked for is 100; give a vocabulary of 257 ` +
        "or more (--vocab-size), or another --tokenizer",
    );
  });
});

describe("a config.json", () => {
  it("that contradicts the tokenizer is refused", async () => {
    const path = await shape({ ...hfConfig, vocab_size: 100, eos_token_id: 99, bos_token_id: 99 });
    expect(await refused("--tokenizer", model, "--model-config", path)).toContain(
      `the vocabulary of ${path} is 100`,
    );
    await shape({ ...hfConfig, eos_token_id: 7 });
    expect(await refused("--tokenizer", model, "--model-config", path)).toContain(
      `ends a text with 256, and the end-of-text of ${path} is 7; write "eos_token_id": 256 into it`,
    );
    await shape({ ...hfConfig, eos_token_id: null });
    expect(await refused("--tokenizer", model, "--model-config", path)).toContain("is none; write");
  });

  it("may have a vocabulary that is padded", async () => {
    const path = await shape({ ...hfConfig, vocab_size: 264 });
    expect((await train("padded", "--tokenizer", model, "--model-config", path)).code).toBe(0);
    expect((await trained("padded")).config.vocabSize).toBe(264);
  });
});

it("tokens beyond the tokenizer's vocabulary are refused with the way out", async () => {
  const bin = await write(
    "beyond.bin",
    writeNanogptShard(Uint16Array.from({ length: 100 }, (_, i) => 200 + i)),
  );
  const { code, err } = await train("beyond", "--tokenizer", model, ...small, "--train", bin);
  expect(code).toBe(1);
  expect(err).toMatch(
    /beyond\.bin: token 57 has id 257, outside the model's vocabulary of 257\. .* Name it: --tokenizer DIR or NAME/,
  );
});

describe("a model", () => {
  it("is gone on from: its weights, its shape, its tokenizer", async () => {
    const { code, err } = await train("still", "--model", model, "--learning-rate", "1e-9");
    expect(code).toBe(0);
    expect(err).not.toContain("preset");
    const [before, after] = [await readModelFolder(model), await trained("still")];
    expect(after.config).toEqual(before.config);
    expect(after.tokenizer?.vocabSize).toBe(257);
    for (const [name, { data }] of Object.entries(before.weights)) {
      const moved = after.weights[name].data.map((value, i) => Math.abs(value - data[i]));
      expect(Math.max(...moved)).toBeLessThan(1e-6);
    }
    const card = await readFile(join(out("still"), "model/README.md"), "utf8");
    expect(card).toContain("Trained from `model` by [normless]");
    const config = JSON.parse(await readFile(join(out("still"), "config.json"), "utf8")) as object;
    expect(config).toMatchObject({ command: "train", model });
    expect(Object.keys(config)).not.toContain("shape");
  });

  it("gives the same bits when stopped and resumed, from where it was moved to, too", async () => {
    const own = out("own-model");
    await cp(model, own, { recursive: true });
    expect((await train("whole", "--model", own)).code).toBe(0);
    expect(
      (await run(["train", "--out", out("stopped"), ...sizes, "--model", own], "step 4: validation")).code,
    ).toBe(130);
    const other = out("other-model");
    const weights = initWeights(tinyConfig, 77);
    await writeModelFolder(other, { config: tinyConfig, weights, norms: standardNorms(tinyConfig) });
    const resume = (...more: string[]) => run(["train", "--resume", out("stopped"), ...more]);
    const wrong = await resume("--model", other);
    expect(wrong.code).toBe(1);
    expect(wrong.err).toContain("the checkpoint belongs to a training that began from weights");
    await rename(own, out("moved-model"));
    expect((await resume()).code).toBe(1);
    const data = ["--train", join(model, "train.bin"), "--validation", join(model, "val.bin")];
    expect((await resume("--model", out("moved-model"), ...data)).code).toBe(0);
    expect(await metricsOf(out("stopped"))).toEqual(await metricsOf(out("whole")));
    expect((await trained("stopped")).weights).toEqual((await trained("whole")).weights);
  });

  it("is done again by its run's config.json", async () => {
    const config = join(out("still"), "config.json");
    expect((await run(["train", "--config", config, "--out", out("again"), "--threads", "1"])).code).toBe(0);
    expect((await trained("again")).weights).toEqual((await trained("still")).weights);
  });

  it("says that the built-in learning rate is for fresh weights, where nobody says another", async () => {
    const said = async (...more: string[]) => {
      const some = ["--steps", "1", "--batch-size", "2", "--validation-tokens", "50", "--threads", "1"];
      const path = await mkdtemp(join(folder, "rate-"));
      await rm(path, { recursive: true });
      return (await run(["train", "--model", model, ...some, "--out", path, ...more])).err;
    };
    expect(await said()).toContain("the learning rate, 0.002, is the built-in recipe's for fresh weights");
    expect(await said("--learning-rate", "1e-4")).not.toContain("fresh weights");
  });

  it("contradicts a shape, a tokenizer of another, and a run that began with fresh weights", async () => {
    for (const option of [
      "--preset base",
      `--model-config ${model}/config.json`,
      "--layers 2",
      "--vocab-size 300",
    ]) {
      const [name, value] = option.split(" ");
      expect(await refused("--model", model, name, value)).toContain(
        `${name} is for the shape of a new model, and --model goes on from one that has its own`,
      );
    }
    expect(await refused("--model", model, "--tokenizer", model)).toContain(
      `--tokenizer ${model}: the model ${model} has a tokenizer of its own`,
    );
    await run(
      ["train", "--out", out("fresh"), ...sizes, "--tokenizer", model, ...small],
      "step 4: validation",
    );
    const resumed = await run(["train", "--resume", out("fresh"), "--model", model]);
    expect(resumed.code).toBe(2);
    expect(resumed.err).toContain("--model cannot change a training that began with fresh weights");
    const preset = await run(["train", "--resume", out("fresh"), "--preset", "base"]);
    expect(preset.err).toContain("--preset cannot change a run that has begun");
  });

  it("without a tokenizer is trained on tokens, or takes one that fits", async () => {
    const bare = out("bare");
    const { config, weights, norms } = await readModelFolder(model);
    await writeModelFolder(bare, { config, weights, norms });
    const data = ["--train", join(model, "train.bin"), "--validation", join(model, "val.bin")];
    expect((await train("on-tokens", "--model", bare, ...data)).code).toBe(0);
    expect((await trained("on-tokens")).tokenizer).toBeUndefined();
    const text = await write("some.txt", "Fellow citizens of the Senate. ".repeat(30));
    expect(await refused("--model", bare, "--train", text, "--validation", text)).toContain(
      "has no tokenizer",
    );
    expect((await train("with-one", "--model", bare, ...data, "--tokenizer", model)).code).toBe(0);
    expect((await trained("with-one")).tokenizer?.vocabSize).toBe(257);
    const sotu = new URL("../../../../models/sotu", import.meta.url).pathname;
    expect(await refused("--model", bare, ...data, "--tokenizer", sotu)).toContain(
      `has 4096 tokens, and the vocabulary of ${bare} is 257`,
    );
  });
});

describe("a model that has lost norms", () => {
  const norms = standardNorms(tinyConfig);
  const frozen: HostModel = {
    config: tinyConfig,
    weights: initWeights(tinyConfig, 1),
    norms: freezeAll(norms, Object.fromEntries(normModules(tinyConfig).map((module) => [module, 0.5]))),
  };
  it.each([
    ["frozen", frozen, 0],
    ["folded", foldModel(frozen), 0],
    ["of eps 1e12", toEps1e12(frozen), 0],
    ["partly frozen", { ...frozen, norms: replaceNorm(norms, "ln_f", frozenNorm(2)) }, 6],
  ])("%s is trained with its norms as they are, and says so", async (name, host, left) => {
    const path = out(`lost ${name}`);
    await writeModelFolder(path, host);
    const data = ["--train", join(model, "train.bin"), "--validation", join(model, "val.bin")];
    const { code, err } = await train(`trained ${name}`, "--model", path, ...data);
    expect(code).toBe(0);
    expect(err).toContain(`${path}: ${left} of its 7 norms are LayerNorms (`);
    const after = await trained(`trained ${name}`);
    expect(after.norms).toEqual((await readModelFolder(path)).norms);
    expect(after.weights["wte.weight"]).not.toEqual(host.weights["wte.weight"]);
    const card = await readFile(join(out(`trained ${name}`), "model/README.md"), "utf8");
    expect(card).toContain(`${left} of its 7 norms\nare LayerNorms, as before`);
    // What a stopped one goes on with.
    const stopped = ["train", "--out", out(`stopped ${name}`), ...sizes, "--model", path, ...data];
    expect((await run(stopped, "step 4: validation")).code).toBe(130);
    expect((await run(["train", "--resume", out(`stopped ${name}`)])).code).toBe(0);
    expect((await trained(`stopped ${name}`)).weights).toEqual(after.weights);
  });
});

describe("standard input", () => {
  const text = "Fellow citizens of the Senate. ".repeat(60);
  const pipe = (content: string) =>
    vi
      .spyOn(process, "stdin", "get")
      .mockReturnValue(Readable.from([Buffer.from(content)]) as typeof process.stdin);

  it("is kept by a run, which goes on with it wherever it lies", async () => {
    const file = await write("text.txt", text);
    const others = [join(model, "train.bin"), join(model, "val.bin")];
    const from = ["--tokenizer", model, ...small, "--validation", join(model, "val.bin")];
    expect((await train("of-file", ...from, "--train", others[1], file, others[0])).code).toBe(0);
    pipe(text);
    const command = ["train", "--out", out("piped"), ...sizes, ...from, "--train", others[1], "-", others[0]];
    expect((await run(command, "step 4: validation")).code).toBe(130);
    const config = JSON.parse(await readFile(join(out("piped"), "config.json"), "utf8")) as {
      train: string[];
    };
    expect(config.train).toEqual([others[1], "-", others[0]]);
    await rename(out("piped"), out("piped-moved"));
    expect((await run(["train", "--resume", out("piped-moved")])).code).toBe(0);
    expect((await trained("piped-moved")).weights).toEqual((await trained("of-file")).weights);
    // It is the run's: --force clears it.
    expect(await readdir(out("piped-moved"))).toContain("standard-input.bin");
    expect((await train("piped-moved", ...from, "--train", file, "--force")).code).toBe(0);
    expect(await readdir(out("piped-moved"))).not.toContain("standard-input.bin");
  });

  it("is validated on by a removal, which goes on with it", async () => {
    const start = ["remove", "--model", model, "--recipe", join(folder, "recipe.json"), "--threads", "1"];
    const file = await write("val.txt", text);
    expect((await run([...start, "--out", out("r-file"), "--validation", file])).code).toBe(0);
    pipe(text);
    const argv = [...start, "--out", out("r-piped"), "--validation", "-"];
    expect((await run(argv, "control 1/12")).code).toBe(130);
    expect((await run(["remove", "--resume", out("r-piped"), "--threads", "1"])).code).toBe(0);
    expect(await metricsOf(out("r-piped"))).toEqual(await metricsOf(out("r-file")));
  });

  it("cannot be both parts", async () => {
    expect(await refused("--tokenizer", model, ...small, "--train", "-", "--validation", "-")).toContain(
      "standard input can be read once, and --train and --validation name it",
    );
  });
});

it("folders are resumed as the files that they were", async () => {
  const data = out("corpus");
  await cp(model, data, { recursive: true });
  await rm(join(data, "config.json"));
  const from = ["--tokenizer", model, ...small, "--train", data, "--validation", join(data, "val.*")];
  const stopped = await run(["train", "--out", out("folder"), ...sizes, ...from], "step 4: validation");
  expect(stopped.code).toBe(130);
  expect(stopped.err).toContain(`${data}: reading train.bin, val.bin; leaving out merges.txt, `);
  expect(stopped.err).toContain(`trained on and validated on, too: ${join(data, "val.bin")}`);
  await write("corpus/a-new-one.txt", "not there when it began");
  expect((await run(["train", "--resume", out("folder")])).code).toBe(0);
});
