/** The command `normless`: its subcommands, and errors as one message and an exit code. */
import { Command, CommanderError } from "@commander-js/extra-typings";
import manifest from "../package.json" with { type: "json" };
import { nameNearestChoices } from "./options/arguments.js";
import { attributeCommand } from "./commands/attribute.js";
import { cacheCommand } from "./commands/cache.js";
import { compareCommand } from "./commands/compare.js";
import { doctorCommand } from "./commands/doctor.js";
import { evalCommand } from "./commands/eval.js";
import { exportCommand } from "./commands/export.js";
import { generateCommand } from "./commands/generate.js";
import { headCommand } from "./commands/head.js";
import { inspectCommand } from "./commands/inspect.js";
import { lensCommand } from "./commands/lens.js";
import { logitsCommand } from "./commands/logits.js";
import { patchCommand } from "./commands/patch.js";
import { payoffsCommand } from "./commands/payoffs.js";
import { promptsCommand } from "./commands/prompts.js";
import { recipesCommand } from "./commands/recipes.js";
import { removeCommand } from "./commands/remove.js";
import { reportCommand } from "./commands/report.js";
import { sweepCommand } from "./commands/sweep.js";
import { tokenizeCommand } from "./commands/tokenize.js";
import { trainCommand } from "./commands/train.js";
import { EXIT, messageOf, UsageError } from "./errors.js";
import { type Io, processIo } from "./terminal/io.js";

/** Every command; those that have exit codes of their own hand them to `done`. */
export function commandsOf(io: Io, done: (code: number) => void) {
  return [
    removeCommand(io, done),
    trainCommand(io, done),
    evalCommand(io),
    exportCommand(io),
    generateCommand(io),
    inspectCommand(io),
    compareCommand(io),
    tokenizeCommand(io),
    promptsCommand(io),
    cacheCommand(io),
    attributeCommand(io),
    lensCommand(io),
    patchCommand(io),
    headCommand(io),
    payoffsCommand(io),
    logitsCommand(io),
    recipesCommand(io),
    reportCommand(io),
    sweepCommand(io, done),
    doctorCommand(io, done),
  ];
}

/** Runs one command line, without the program's name, and returns the exit code. */
export async function main(argv: readonly string[], io: Io = processIo): Promise<number> {
  let exitCode: number = EXIT.ok;
  const done = (code: number) => {
    exitCode = code;
  };
  const program = new Command("normless")
    .description("Removes LayerNorm from GPT-2 by fine-tuning, and folds what is left into the weights.")
    .version(manifest.version)
    .addHelpText("after", "\nnormless <command> --help shows a command's options, with examples.");
  const commands = commandsOf(io, done);
  for (const command of commands) program.addCommand(command);
  for (const command of [program, ...commands, ...commands.flatMap(({ commands }) => commands)]) {
    nameNearestChoices(command);
    command
      .exitOverride()
      .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) });
  }
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    io.err(`${io.colors.red("normless:")} ${messageOf(error)}\n`);
    if (process.env["NORMLESS_DEBUG"] && error instanceof Error) io.err(`${error.stack}\n`);
    return error instanceof UsageError ? EXIT.usage : EXIT.failed;
  }
}
