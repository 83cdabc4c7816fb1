import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { checkJson } from "../../src/json/json.js";
import { nearest } from "../../src/options/nearest.js";
import { gpt2ConfigSchema } from "../../src/json/gpt2-config-schema.js";
import {
  normConstantsSchema,
  removalRecipeSchema,
  removeOptionsSchema,
  tokenRowsSchema,
} from "../../src/json/schemas.js";
import { run, writeTiny } from "../support/tiny.js";

describe("nearest", () => {
  const names = ["steps", "batchSize", "microBatchSize", "learningRate", "seed"];

  it("sees through upper case, separators, slips and an early end", () => {
    expect(nearest("batch-size", names)).toBe("batchSize");
    expect(nearest("LEARNING_RATE", names)).toBe("learningRate");
    expect(nearest("stpes", names)).toBe("steps");
    expect(nearest("micro", names)).toBe("microBatchSize");
    expect(nearest("h.0.ln2", ["h.0.ln_1", "h.0.ln_2"])).toBe("h.0.ln_2");
  });

  it("finds none that nobody could have meant", () => {
    expect(nearest("colour", names)).toBeUndefined();
    expect(nearest("--", names)).toBeUndefined();
    expect(nearest("steps", [])).toBeUndefined();
  });

  it("of a name that is there is that name, and of one with a letter too many, too", () =>
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.nat(20),
        fc.constantFrom("q", "x", "_"),
        (name, at, letter) => {
          expect(nearest(name, names)).toBe(name);
          expect(nearest(name.slice(0, at) + letter + name.slice(at), names)).toBe(name);
        },
      ),
    ));
});

describe("a field that is not there", () => {
  const message = (schema: z.ZodType, value: unknown): string => {
    try {
      checkJson("f.json", schema, value);
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };

  it("is named with the nearest right one, in every schema and at every depth", () => {
    const taper = { kind: "taper", begin: 1, end: 2, keep: 0.5, ending: 3 };
    expect(message(z.strictObject({ pace: removalRecipeSchema.shape.pace }), { pace: taper })).toMatch(
      /^f\.json: pace: there is no field "ending"; the fields are kind, begin, end, keep\. Did you mean "end"\?$/,
    );
    // Behind a transform, and where another is missing because of it.
    expect(message(gpt2ConfigSchema, { vocab_size: 4 })).toMatch(
      /no field "vocab_size".* Did you mean "vocabSize"\?/,
    );
    expect(message(removeOptionsSchema, { validate: ["a.txt"] })).toContain('Did you mean "validation"?');
    const rows = z.array(z.strictObject({ tokens: z.int().optional() }));
    expect(message(rows, [{}, { token: 1 }])).toMatch(/f\.json: 1: there is no field "token".*"tokens"\?$/);
    // One of several kinds of value.
    expect(message(tokenRowsSchema, { token: [[1]] })).toMatch(
      /^f\.json: there is no field "token".*"tokens"\?$/,
    );
    expect(message(normConstantsSchema, { ln_f: { frist: 1, eot: 1, rest: 1 } })).toMatch(
      /^f\.json: ln_f: there is no field "frist".*"first"\?$/,
    );
  });

  it("is named with its place where it is a field of another object", () => {
    expect(message(removalRecipeSchema.partial(), { warmup_steps: 3 })).toMatch(
      /"warmup_steps".* warmupSteps is a field of learningRate\.$/,
    );
    const pace = { kind: "taper", begin: 1, end: 2, keep: 0.5, firstAfter: 9 };
    expect(message(removalRecipeSchema.partial(), { pace })).toMatch(
      /pace: there is no field "firstAfter".* firstAfter is a field of pace of kind "fixed"\.$/,
    );
  });

  it("and a value that is none are told the nearest", () => {
    const partial = removalRecipeSchema.partial();
    expect(message(partial, { loss: "distilation" })).toMatch(
      /^f\.json: loss is "distilation"; expected one of .*\. Did you mean "distillation"\?$/,
    );
    expect(message(partial, { pace: { kind: "tapered" } })).toMatch(
      /^f\.json: pace\.kind is "tapered"; expected .*\. Did you mean "taper"\?$/,
    );
    expect(message(partial, { loss: 3 })).not.toContain("Did you mean");
  });
});

describe("a wrong name on the command line", () => {
  let folder: string;
  let model: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "normless-nearest-"));
    ({ model } = await writeTiny(folder));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([
    [["remove", "--recipe", "distiled"], '"distilled"? Or give a recipe\'s file'],
    [["recipes", "show", "baroni-small"], '"baroni-2025-small"?'],
    [["train", "--preset", "medum"], '"medium"?'],
    // Once, however many commands share the option.
    [["remove", "--simd", "relax"], 'Allowed choices are auto, relaxed, plain. Did you mean "relaxed"?\n'],
  ])("%j", async (argv, named) => {
    const { code, err } = await run(argv);
    expect(code).toBe(2);
    expect(err).toContain(named.startsWith("Allowed") ? named : `Did you mean ${named}`);
  });

  it("in files: a preset, a column, a norm site", async () => {
    const file = async (name: string, content: unknown) => {
      const path = join(folder, name);
      await writeFile(path, JSON.stringify(content));
      return path;
    };
    const refused = async (...argv: string[]) => (await run(argv)).err;
    const preset = await file("preset.json", { preset: "smal" });
    expect(await refused("train", "--config", preset, "--out", join(folder, "out"))).toContain(
      'there is no preset "smal"; the presets are base, small, medium, large, xl. Did you mean "small"?',
    );
    const rows = await file("rows.jsonl", { body: "Fellow citizens" });
    expect(await refused("eval", "--model", model, "--data", rows, "--text-column", "boddy")).toContain(
      'the columns are body. Did you mean "body"?',
    );
    const norms = await file("norms.json", { "h.1.ln1": 1 });
    expect(
      await refused("export", "--model", model, "--norms", norms, "--out", join(folder, "out")),
    ).toContain('Did you mean "h.1.ln_1"?');
    const frozen = async (dictionary: object) =>
      refused(
        "export",
        "--model",
        model,
        "--norms",
        await file("norms.json", dictionary),
        "--out",
        join(folder, "out"),
      );
    expect(await frozen({ std_dict: { "blocks.1.hook_resid_mdi": 1 } })).toContain(
      '"blocks.1.hook_resid_mdi" is no name like blocks.0.hook_resid_pre. Did you mean "blocks.1.hook_resid_mid"?',
    );
    expect(await frozen({ std_dicts: {} })).toContain(
      'there is no field "std_dicts"; the fields are std_dict, std_bos_dict. Did you mean "std_dict"?',
    );
  });
});
