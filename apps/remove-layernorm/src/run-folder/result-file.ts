/** Results that a command writes beside what it prints. */
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { writeFileAtomic } from "@normless/safetensors/node";
import { systemCode, UsageError } from "../errors.js";
import type { Io } from "../terminal/io.js";
import {
  type Checked,
  checkOutputFiles,
  type Files,
  type Inputs,
  type OutputPath,
} from "../options/outputs.js";

/** In the place of `--json`'s file: standard output, which then has nothing else. */
const STANDARD_OUTPUT = "-";

/** How a command that is told `--json -` speaks: its JSON on standard output, all else on standard error. */
export function besideJson(io: Io, json: string | undefined): Io {
  if (json !== STANDARD_OUTPUT) return io;
  return { ...io, out: (text) => io.err(text), json: (text) => io.out(text) };
}

/**
 * Before hours of work, not after. `results` are the files that will be written, by the option that names each.
 * @throws UsageError when one cannot be written, or is read, too
 */
export async function checkResults<F extends Files>(results: F, inputs: Inputs): Promise<Checked<F>> {
  const files: Record<string, string | undefined> = { ...results };
  for (const [option, path] of Object.entries(results)) {
    if (option === "--json" && path === STANDARD_OUTPUT) delete files[option];
    else if (path === STANDARD_OUTPUT) {
      throw new UsageError(`${option} -: standard output takes --json alone; give a path (./- is one)`);
    } else if (path !== undefined) await checkWritable(option, path);
  }
  await checkOutputFiles(files, inputs);
  return Object.fromEntries(Object.entries(results)) as Checked<F>;
}

async function checkWritable(option: string, path: string): Promise<void> {
  const refuse = (why: string) => new UsageError(`${option} ${path}: ${why}; give another path`);
  const folder = dirname(path);
  // The path with a slash is there only if it is a folder's.
  await access(join(folder, "/"), constants.W_OK).catch((error: unknown) => {
    const code = systemCode(error);
    throw refuse(
      code === "ENOENT"
        ? `there is no folder ${folder}`
        : `the folder ${folder} cannot be written to (${code})`,
    );
  });
  const there = await stat(resolve(path)).catch(() => undefined);
  if (there && !there.isFile()) throw refuse("that is no ordinary file");
}

/** Writes a whole file and says so, with `what` it holds. */
export async function writeResult(
  io: Io,
  path: OutputPath,
  content: string | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  what?: string,
): Promise<void> {
  const chunks = typeof content === "string" ? [new TextEncoder().encode(content)] : content;
  await writeFileAtomic(path, chunks);
  io.out(`Wrote ${io.colors.bold(path)}${what === undefined ? "" : `: ${what}`}\n`);
}

export async function writeJsonResult(io: Io, path: OutputPath, data: object): Promise<void> {
  const text = `${JSON.stringify(data, undefined, 2)}\n`;
  if (io.json) io.json(text);
  else await writeResult(io, path, text);
}
