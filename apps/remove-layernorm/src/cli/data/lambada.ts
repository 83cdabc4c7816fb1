/** LAMBADA files: records with a `text` field (OpenAI's release, EleutherAI/lambada_openai), or text, a passage a line. */
import { UsageError, within } from "../errors.js";
import { byteChunks, textBetween } from "./bytes.js";
import { kindOf } from "./kinds.js";
import { fieldOf, openRecords } from "./records.js";

const TEXT = "text";

/** The first `limit` passages of a file or URL, or all. @throws Error naming the file, the place and what is wrong. */
export function readLambada(path: string, limit = Infinity): Promise<readonly string[]> {
  return within(path, async () => {
    const passages: string[] = [];
    for await (const passage of passagesOf(path)) {
      if (passages.length >= limit) break;
      if (passage.trim() !== "") passages.push(passage);
    }
    if (passages.length === 0) throw new Error("there is no passage in it");
    return passages;
  });
}

async function* passagesOf(path: string): AsyncGenerator<string> {
  const { kind } = kindOf(path);
  if (kind === "bin") throw new UsageError("LAMBADA is read from .jsonl, .parquet or .txt");
  if (kind === "txt") {
    yield* textBetween(byteChunks(path), "\n");
    return;
  }
  for await (const record of (await openRecords(path)).read([TEXT])) {
    const text = fieldOf(record, TEXT);
    if (typeof text !== "string") throw new Error(`${record.where}: "${TEXT}" is no text`);
    yield text;
  }
}
