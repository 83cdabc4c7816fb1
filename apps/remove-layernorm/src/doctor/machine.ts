/** The machine, the software on it, and this command. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { availableParallelism, freemem, totalmem } from "node:os";
import { promisify } from "node:util";
import { reference } from "@normless/tensor";
import { thisProcess } from "../provenance/machine.js";
import type { ProcessFacts } from "../provenance/schema.js";
import { memoryBytes } from "../run-folder/room.js";

const exec = promisify(execFile);

export interface MachineFacts extends Omit<ProcessFacts, "engine" | "threads" | "began" | "memoryBytes"> {
  /** Of what an engine may use, what this processor has; undefined where the system does not tell. */
  readonly instructions?: readonly string[] | undefined;
  readonly v8: string;
  /** C compilers by how they are called, with what each says of itself. */
  readonly compilers: Readonly<Record<string, string>>;
  /** Bytes: of the machine, what this process may have of it, and what is free. */
  readonly memory: { readonly total: number; readonly allowed: number; readonly free: number };
}

export async function machineFacts(now: Date): Promise<MachineFacts> {
  const backend = reference();
  const { normless, commit, packages, node, system, cpu } = await thisProcess(backend, now);
  return {
    ...{ normless, commit, packages, node, v8: process.versions.v8, system, cpu },
    cores: availableParallelism(),
    instructions: await instructions(),
    compilers: await compilers(),
    memory: { total: totalmem(), allowed: memoryBytes(), free: freemem() },
  };
}

/** Sets of instructions that the engines' speed and bits depend on, as Linux calls them. */
const SETS =
  /^(sse4_2|avx|avx2|fma|f16c|avx512\w+|avx_vnni|amx_\w+|asimd|asimddp|asimdfhm|sve|sve2|i8mm|bf16)$/;

async function instructions(): Promise<string[] | undefined> {
  const text = await readFile("/proc/cpuinfo", "utf8").catch(() => undefined);
  const flags = text && /^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1];
  return flags
    ?.trim()
    .split(/\s+/)
    .filter((flag) => SETS.test(flag))
    .sort();
}

/** As the native engine's build looks for them. */
async function compilers(): Promise<Record<string, string>> {
  const { CC = "" } = process.env;
  const found: Record<string, string> = {};
  for (const command of new Set([CC.trim(), "cc", "gcc", "clang"])) {
    if (command === "") continue;
    const [name, ...first] = command.split(/\s+/);
    const said = await exec(name, [...first, "--version"]).catch(() => undefined);
    if (said) found[command] = said.stdout.split("\n")[0].trim();
  }
  return found;
}
