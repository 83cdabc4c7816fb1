/** A model's folder for a command: read, and what there is to say of it said. */
import { type OpenModel, openModelFolder } from "@normless/gpt2/node";
import type { Io } from "../terminal/io.js";

/** The caller closes it. @throws Error naming the folder, the file and what is wrong in it. */
export async function openModelSaying(io: Io, path: string): Promise<OpenModel> {
  const model = await openModelFolder(path);
  sayNotes(io, path, model);
  return model;
}

/** Says what there is to say of what a path held. */
export function sayNotes(io: Io, path: string, { notes }: { readonly notes: readonly string[] }): void {
  for (const note of notes) io.err(`${path}: ${note}\n`);
}
