/** Which commands there are, what each reads and what it writes, taken from their options; and something of each kind. */
import { mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { processIo } from "../../src/terminal/io.js";
import { commandsOf } from "../../src/main.js";
import { run, writeTiny } from "./tiny.js";

/** Options and arguments that name folders that are read. */
export const FOLDERS = ["--model", "--tokenizer", "--corpus"];
const OUTPUTS = ["--json", "--html", "--safetensors", "--jsonl", "--out"];
/** Commands that write a run's folder. */
export const RUNS = ["remove", "train"] as const;

export interface Asked {
  readonly command: string;
  /** Options and arguments that name what is read. */
  readonly inputs: readonly string[];
  /** Options that name what is written. */
  readonly outputs: readonly string[];
  /** Whether it computes on an engine. */
  readonly computes: boolean;
}

export const commands: readonly Asked[] = commandsOf(processIo, () => undefined).map((command) => {
  const options = command.options
    .filter(({ flags }) => /<.*(dir|file|name\|).*>/.test(flags))
    .map(({ long }) => long ?? "");
  // Others are texts and names.
  const given = command.registeredArguments
    .map((argument) => argument.name())
    .filter((name) => /file|dir|run/.test(name));
  const isOutput = (name: string) => OUTPUTS.includes(name);
  // A run's folder is read and written, by rules of its own.
  const isRun = (name: string) => name === "--resume" || name === "run";
  const inputs = [...given, ...options].filter((name) => !isOutput(name) && !isRun(name));
  const computes = command.options.some(({ long }) => long === "--threads");
  return { command: command.name(), inputs, outputs: options.filter(isOutput), computes };
});

/** Every command with everything that it reads and everything that it writes. */
export const pairs = commands.flatMap(({ command, inputs, outputs }) =>
  outputs.flatMap((output) => inputs.map((input) => ({ command, input, output }))),
);

/** The options for one thread, where a command has any. */
export function oneThread(name: string): string[] {
  return commands.some(({ command, computes }) => command === name && computes) ? ["--threads", "1"] : [];
}

/** A folder with a model that has tokenizer and corpus, and a file of each kind that is read. */
export class Workplace {
  private constructor(
    readonly folder: string,
    readonly model: string,
    /** Of a removal. */
    readonly recipe: string,
    /** By the option that names one. */
    readonly files: Readonly<Record<string, string>>,
  ) {}

  static async create(): Promise<Workplace> {
    const folder = await mkdtemp(join(tmpdir(), "normless-outputs-"));
    const { model, recipe } = await writeTiny(folder);
    const write = async (name: string, text: string) => {
      await writeFile(join(folder, name), text);
      return join(folder, name);
    };
    return new Workplace(folder, model, recipe, {
      "--train": join(model, "train.bin"),
      "--validation": join(model, "val.bin"),
      "--data": join(model, "val.bin"),
      "--recipe": await write("part.json", '{"seed": 1}'),
      "--config": await write("options.json", "{}"),
      "--model-config": join(model, "config.json"),
      "--norms": await write("norms.json", '{"ln_f": 1}'),
      "--token-ids": await write("rows.json", "[[1,2,3]]"),
      "--prompts": await write("prompts.jsonl", '{"clean":"a","corrupted":"b","answer":"c","wrong":"d"}'),
      "--hellaswag": await write("hellaswag.txt", "a: b\n0\nc\nd\ne\nf\n"),
      "--lambada": await write("lambada.txt", "a b c\n"),
      "--blas-library": await write("libblas.so", ""),
    });
  }

  /** What a command does not go without, or that makes it small. */
  needed(command: string): string[] {
    const { model, files } = this;
    const unwritten = ["--safetensors", join(this.folder, "unwritten.safetensors")];
    const needed: Readonly<Record<string, readonly string[]>> = {
      remove: ["--model", model],
      train: ["--tokenizer", model, "--model-config", join(model, "config.json")],
      eval: ["--model", model],
      export: ["--model", model],
      compare: ["--model", model, model],
      attribute: ["--model", model, "--prompt", "a"],
      prompts: ["ioi", "--model", model],
      lens: ["--model", model, "--prompt", "a"],
      patch: ["--model", model],
      payoffs: ["--model", model, model],
      head: ["0.0", "--model", model, "--prompt", "a"],
      tokenize: ["a", "--model", model],
      cache: [
        ...["--model", model, "--names", "hook_embed"],
        ...["--token-ids", files["--token-ids"]],
        ...unwritten,
      ],
      logits: ["--model", model, "--token-ids", files["--token-ids"]],
      doctor: ["--model", model],
    };
    // A command that begins to write anything has to be told here how it is called.
    expect(Object.keys(needed)).toContain(command);
    return [...needed[command]];
  }

  /** A command line with `input` at `path`, where the command would take it instead of another. */
  withInput(command: string, input: string, path: string): string[] {
    const argv = this.needed(command);
    const at = argv.indexOf(input) + 1;
    if (at > 0) argv[at] = path;
    else argv.push(input, path, ...(input === "--blas-library" ? ["--backend", "blas"] : []));
    return [command, ...argv];
  }

  /** What is said of a command line that is refused before anything is touched. */
  async refused(argv: readonly string[]): Promise<string> {
    const before = await everything(this.folder);
    const { code, out, err } = await run([...argv, ...oneThread(argv[0])]);
    expect([argv.join(" "), code, out, err]).toEqual([argv.join(" "), 2, "", err]);
    expect(await everything(this.folder)).toEqual(before);
    return err;
  }
}

/** Every file under a folder with what it holds. */
export async function everything(path: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    const name = join(entry.parentPath, entry.name);
    const kind = entry.isSymbolicLink() ? "a link" : "a folder";
    found[name] = entry.isFile() ? (await readFile(name)).toString("base64") : kind;
  }
  return found;
}
