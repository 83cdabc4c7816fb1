/** Text files from people and out of folders that anybody made. */
import { open, stat } from "node:fs/promises";
import { systemCode } from "../errors.js";

/** Bytes that are read at once, at most: far above any such file. */
const MOST = 2 ** 28;

/** What a shell puts in the place of a command's output. */
const PROCESS_SUBSTITUTION = /^\/(dev\/fd|proc\/self\/fd)\/\d+$/;

/**
 * A file's text.
 * @throws Error saying why it is not read: it is not there, is no ordinary file (opening a pipe would wait for whoever
 * writes to it), or is too long
 */
export async function readText(path: string): Promise<string> {
  const found = await stat(path).catch((cause: unknown) => {
    throw systemCode(cause) === "ENOENT" ? new Error("there is no such file", { cause }) : cause;
  });
  if (found.isDirectory()) throw new Error("is a folder; a file is needed");
  if (!found.isFile() && !PROCESS_SUBSTITUTION.test(path)) throw new Error("is no ordinary file");
  if (found.size > MOST) throw new Error(`has ${found.size} bytes; no such file has more than ${MOST}`);
  const file = await open(path);
  try {
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}
