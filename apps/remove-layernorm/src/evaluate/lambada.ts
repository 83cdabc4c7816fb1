/** LAMBADA files: records with a `text` field (OpenAI's release, EleutherAI/lambada_openai), or text, a passage a line. */
import { byteChunks, fieldOf, kindOf, linesOf, withRecords } from "@normless/data";
import { readAsked, UsageError, within } from "../errors.js";

const TEXT = "text";

/** The first `limit` passages of a file or URL, or all. @throws Error naming the file, the place and what is wrong. */
export function readLambada(path: string, limit?: number): Promise<readonly string[]> {
  return within(path, () =>
    readAsked(async () => {
      const { kind } = kindOf(path);
      if (kind === "bin") throw new UsageError("LAMBADA is read from .jsonl, .parquet or .txt");
      const passages = await (kind === "txt" ? fromText(path, limit) : fromRecords(path, limit));
      if (passages.length === 0) throw new Error("there is no passage in it");
      return passages;
    }),
  );
}

async function fromText(path: string, limit = Infinity): Promise<string[]> {
  const passages: string[] = [];
  for await (const line of linesOf(byteChunks(path))) {
    if (line.trim() !== "") passages.push(line);
    if (passages.length >= limit) break;
  }
  return passages;
}

function fromRecords(path: string, limit: number | undefined): Promise<string[]> {
  return withRecords(path, async (file) => {
    const passages: string[] = [];
    for await (const record of file.read([TEXT], limit)) {
      const text = fieldOf(record, TEXT);
      if (typeof text !== "string" || text.trim() === "") {
        throw new Error(`${record.where}: "${TEXT}" is no text`);
      }
      passages.push(text);
    }
    return passages;
  });
}
