/** One name is one thing: whatever commands have an option, it says the same of itself in all of them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Option } from "@commander-js/extra-typings";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commandsOf } from "../../src/main.js";
import { optionWords } from "../../src/options/option-words.js";
import { readRunConfig, removeConfigSchema } from "../../src/run-folder/run-config.js";
import { processIo } from "../../src/terminal/io.js";
import { run, writeTiny } from "../support/tiny.js";

const commands = commandsOf(processIo, () => undefined).flatMap((command) => [command, ...command.commands]);
const options = commands.flatMap((command) =>
  command.options.map((option) => ({ command: command.name(), option })),
);
const names = [...new Set(options.map(({ option }) => option.long ?? option.flags))];

/** What may differ between commands: whether there may be several, and what is taken where nobody says. */
function whatItIs({ flags, description, parseArg, argChoices, variadic }: Option) {
  return {
    flags: flags.replace("...", ""),
    description: description
      .replace(/ \(default: .*\)$/, "")
      .replace(/; several one after the other, or with commas$/, ""),
    ...(!variadic && { parseArg, argChoices }),
  };
}

it.each(names)("%s is the same in every command", (name) => {
  const [first, ...others] = options.filter(({ option }) => option.long === name);
  for (const { command, option } of others) {
    if (option.variadic !== first.option.variadic) {
      const { flags, description } = whatItIs(first.option);
      expect([command, whatItIs(option)]).toMatchObject([command, { flags, description }]);
    } else {
      expect([command, whatItIs(option)]).toEqual([command, whatItIs(first.option)]);
    }
  }
});

it("names what is read or written as a path, and takes models by an option alone", () => {
  const given = commands.map((command) => [
    command.name(),
    ...command.registeredArguments.map((argument) => argument.name()),
  ]);
  // What a command is about, and nothing that it is given besides.
  expect(given.filter(([, ...positions]) => positions.length > 0)).toEqual([
    ["tokenize", "text"],
    ["prompts", "task"],
    ["patch", "clean", "corrupted"],
    ["head", "layer.head"],
    ["show", "name"],
    ["plan", "name|file.json"],
    ["report", "run"],
  ]);
  for (const { option } of options) {
    const { long, flags } = option;
    if (long === "--out") expect(flags).toContain("<dir>");
    if (/^--(json|html|safetensors|jsonl)$/.test(long ?? "")) expect(flags).toContain("<file>");
  }
});

describe("all", () => {
  let folder: string;
  let tiny: Awaited<ReturnType<typeof writeTiny>>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "normless-options-"));
    tiny = await writeTiny(folder);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("is every one there is, wherever so many may be asked for", () => {
    const all = options.filter(({ option }) => option.flags.includes("<n|all>"));
    expect(all.length).toBeGreaterThan(10);
    for (const { option } of all) {
      expect(option.parseArg?.("all", undefined)).toBe(Infinity);
      for (const wrong of ["0", "-1", "1.5", "many", ""]) {
        expect(() => option.parseArg?.(wrong, undefined)).toThrow(
          "Expected a whole number from 1 up, or all.",
        );
      }
    }
    expect(optionWords({ trainTokens: Infinity, steps: 3 })).toEqual([
      "--train-tokens",
      "all",
      "--steps",
      "3",
    ]);
  });

  it("is what a run reads, and what does it again", async () => {
    const out = join(folder, "run");
    const from = ["--model", tiny.model, "--recipe", tiny.recipe, "--steps", "12"];
    const tokens = ["--train-tokens", "all", "--validation-tokens", "all"];
    const { code, err } = await run(["remove", ...from, "--out", out, ...tokens]);
    expect(code, err).toBe(0);
    const config = await readRunConfig(out, removeConfigSchema);
    expect(config.trainTokens).toBeUndefined();
    expect(config.recipe.validationTokens).toBe(0);
    expect(config.provenance.command).toContain("--train-tokens all");
    expect((await run(["remove", "--config", join(out, "config.json"), "--dry-run"])).code).toBe(0);
  });
});
