/** Sizes that cannot be: of everything that is counted there is a most, and what is beyond is refused with its figure. */
import type * as Fs from "node:fs/promises";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { configFromHf, MOST_OF_CONFIG, presets } from "@normless/gpt2";
import {
  checkCounts,
  MOST_OF_RECIPE,
  MOST_TOKENS_OF_UPDATE,
  RecipeError,
  trainRecipe,
} from "@normless/train";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import {
  removalRecipeSchema,
  removeOptionsSchema,
  trainOptionsSchema,
  trainRecipeSchema,
} from "../../src/json/schemas.js";
import { commandsOf } from "../../src/main.js";
import { processIo } from "../../src/terminal/io.js";
import { run, writeTiny } from "../support/tiny.js";

/** Bytes that are free on every disk; undefined for what there is. */
const disk = vi.hoisted(() => ({ free: undefined as number | undefined }));
vi.mock("node:fs/promises", async (original) => {
  const fs = await original<typeof Fs>();
  const statfs = async (path: string) => ({
    ...(await fs.statfs(path)),
    ...(disk.free !== undefined && { bavail: disk.free, bsize: 1 }),
  });
  return { ...fs, default: fs, statfs };
});

let folder: string;
let tiny: { model: string; recipe: string };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-most-"));
  tiny = await writeTiny(folder);
});
afterAll(() => rm(folder, { recursive: true }));

const commands = commandsOf(processIo, () => undefined).flatMap((command) => [command, ...command.commands]);
const numbered = commands.flatMap((command) =>
  command.options
    .filter(({ flags }) => /<n\b/.test(flags))
    .map((option) => ({ name: `${command.name()} ${option.flags}`, option })),
);

describe.each(numbered)("$name", ({ name, option }) => {
  const parse = (text: string): unknown => option.parseArg?.(text, undefined);

  it("has a most, or takes more than there is for all of it", () => {
    const huge = "9007199254740991";
    // Any number is a seed, and a position is held against the prompt.
    if (/--seed |--(position|key) |<n\|all>/.test(name)) expect(parse(huge)).toBe(Number(huge));
    else expect(() => parse(huge)).toThrow(InvalidArgumentError);
    for (const text of ["", "x", "1.5", "NaN", "Infinity", "1e400"]) {
      expect(() => parse(text)).toThrow(InvalidArgumentError);
    }
  });
});

/** The paths of whole numbers in a schema that have no most. */
function endless(schema: z.ZodType): string[] {
  const found: string[] = [];
  const look = (node: unknown, path: string): void => {
    if (typeof node !== "object" || node === null) return;
    const { type, maximum } = node as { readonly type?: unknown; readonly maximum?: unknown };
    if (type === "integer" && !(Number(maximum) < Number.MAX_SAFE_INTEGER)) found.push(path);
    for (const [key, inside] of Object.entries(node)) {
      const isName = !["properties", "anyOf", "oneOf", "allOf", "items"].includes(key) && !/^\d+$/.test(key);
      look(inside, isName ? `${path}.${key}`.replace(/^\./, "") : path);
    }
  };
  look(z.toJSONSchema(schema, { unrepresentable: "any", io: "input" }), "");
  return [...new Set(found)].sort();
}

it.each([
  ["a removal's recipe", removalRecipeSchema, ["seed", "validationTokens"]],
  ["a training's recipe", trainRecipeSchema, ["seed", "validationTokens"]],
])("%s has a most for each of its counts", (_, schema, without) => {
  expect(endless(schema)).toEqual(without);
});

it.each([
  ["remove", removeOptionsSchema],
  ["train", trainOptionsSchema],
])("so has a file of options of %s", (_, schema) => {
  // Sizes and hashes of what was, and a shape, for which checkConfig speaks.
  const others = /^(provenance|shape)\./;
  expect(endless(schema).filter((path) => !others.test(path))).toEqual([
    "seed",
    "trainTokens",
    "validationTokens",
  ]);
});

const HF = {
  vocabSize: "vocab_size",
  blockSize: "n_positions",
  channels: "n_embd",
  layers: "n_layer",
  heads: "n_head",
};
it.each(Object.entries({ ...HF, inner: "n_inner" }))(
  "a config.json with too large a %s is refused",
  (field, name) => {
    const config = {
      model_type: "gpt2",
      n_layer: 2,
      n_head: 2,
      n_embd: 8,
      n_positions: 8,
      vocab_size: 9,
      eos_token_id: 8,
    };
    const most = MOST_OF_CONFIG[field as keyof typeof MOST_OF_CONFIG];
    for (const size of [most + 1, 1e8, 1e12, 1e15]) {
      if (size <= most) continue;
      expect(() => configFromHf({ ...config, [name]: size })).toThrow(
        `config: ${field} is ${size}; it is a whole number from 1 to ${most}`,
      );
    }
  },
);

it("presets and the recipes that ship are within them", () => {
  for (const config of Object.values(presets)) {
    for (const [field, most] of Object.entries(MOST_OF_CONFIG)) {
      expect(config[field as keyof typeof MOST_OF_CONFIG]).toBeLessThanOrEqual(most / 16);
    }
  }
});

describe("a recipe", () => {
  it.each(Object.entries(MOST_OF_RECIPE))(
    "with too large a %s is refused by its name and figure",
    (name, most) => {
      const inRate = name in trainRecipe.learningRate;
      for (const count of [most + 1, 2 ** 53, 1.5, NaN, -1]) {
        const recipe = inRate
          ? { ...trainRecipe, learningRate: { ...trainRecipe.learningRate, [name]: count } }
          : { ...trainRecipe, [name]: count };
        const field = inRate ? `learningRate.${name}` : name;
        expect(() => checkCounts(recipe)).toThrow(`${field} is ${count}; give ${field} a whole number from`);
      }
    },
  );

  it("whose update has too many tokens is refused, with the batch that fits", () => {
    const [batchSize, blockSize] = [2 ** 15, 2 ** 10];
    const at = (rows: number) => checkCounts({ ...trainRecipe, batchSize: rows, blockSize });
    expect(() => at(batchSize)).toThrow(RecipeError);
    expect(() => at(batchSize)).toThrow(`give batchSize ${MOST_TOKENS_OF_UPDATE / blockSize} or less`);
    expect(() => at(MOST_TOKENS_OF_UPDATE / blockSize)).not.toThrow();
  });
});

describe("before a run begins", () => {
  async function refused(...argv: string[]): Promise<string> {
    const out = join(folder, "run");
    const { code, err } = await run([...argv, "--out", out, "--threads", "1"]);
    expect([code, err]).toEqual([2, err]);
    expect(await readdir(folder)).not.toContain("run");
    return err;
  }
  const corpus = () => [
    "--train",
    join(tiny.model, "train.bin"),
    "--validation",
    join(tiny.model, "val.bin"),
  ];
  const train = (...more: string[]) => refused("train", "--tokenizer", tiny.model, ...corpus(), ...more);
  const remove = (...more: string[]) =>
    refused("remove", "--model", tiny.model, "--recipe", tiny.recipe, ...more);

  it("a model that no machine holds is refused, with what it takes and what there is", async () => {
    const shape = ["--layers", "1000", "--channels", "65536", "--heads", "4"];
    const figures =
      /a model of 51,5\d\d,\d+,\d+,\d+ parameters takes 618\.\d TB of memory .* this machine has [\d.]+ GB/;
    expect(await train(...shape)).toMatch(figures);
    expect(await train(...shape, "--dry-run")).toMatch(figures);
  });

  it("an update of too many rows is refused, on the command line and in a file", async () => {
    expect(await remove("--batch-size", "1000000000")).toContain("Expected a whole number from 1 to 1048576");
    expect(await train("--batch-size", "1048576")).toMatch(
      /an update of 1048576 × 128 tokens .* --batch-size 131072/,
    );
    const file = join(folder, "huge.json");
    await writeFile(file, JSON.stringify({ batchSize: 1_000_000_000 }));
    expect(await refused("remove", "--model", tiny.model, "--recipe", file)).toMatch(
      /batchSize is 1000000000; .*1048576/,
    );
    await writeFile(file, JSON.stringify({ constants: { from: { kind: "original", sequences: 1e12 } } }));
    expect(await refused("remove", "--model", tiny.model, "--recipe", file)).toMatch(
      /sequences is 1000000000000; /,
    );
  });

  it("a disk without room for what will be written is refused, with both figures", async () => {
    disk.free = 20_000;
    try {
      expect(await remove()).toMatch(
        /the run will write \d[\d.]+ kB into .*two checkpoints of .*20\.0 kB are free on its disk/,
      );
      expect(await train("--model-config", join(tiny.model, "config.json"), "--block-size", "16")).toMatch(
        /the run will write .* and 20\.0 kB are free on its disk; free some space, or choose another folder/,
      );
      expect(await refused("sweep", "--model", tiny.model, "--recipe", tiny.recipe, "--seeds", "3")).toMatch(
        /the 3 runs to come will write 452\.\d kB into .* and 20\.0 kB are free on its disk/,
      );
      const dry = await run([
        "remove",
        "--model",
        tiny.model,
        "--recipe",
        tiny.recipe,
        "--dry-run",
        "--threads",
        "1",
      ]);
      expect([dry.code, dry.out]).toEqual([0, expect.stringContaining("20.0 kB are free")]);
    } finally {
      disk.free = undefined;
    }
  });
});
