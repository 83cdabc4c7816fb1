/** Results that a command writes beside what it prints. */
import { writeFileAtomic } from "@normless/safetensors/node";
import type { Io } from "./io.js";

/** Writes a whole file and says so. */
export async function writeResult(io: Io, path: string, text: string): Promise<void> {
  await writeFileAtomic(path, [new TextEncoder().encode(text)]);
  io.out(`Wrote ${io.colors.bold(path)}\n`);
}

export async function writeJsonResult(io: Io, path: string, data: object): Promise<void> {
  await writeResult(io, path, `${JSON.stringify(data, undefined, 2)}\n`);
}
