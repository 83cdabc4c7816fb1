/**
 * HellaSwag files: the original jsonl (https://github.com/rowanz/hellaswag/tree/master/data) and the hub's parquet of
 * it, with fields by name; or text with six lines an item, as https://github.com/klosax/hellaswag_text_data has it:
 * "label: context", the index of the right ending, four endings. That text is cleaned of brackets already, and does not
 * tell where ctx_b begins, so that scores on it differ a little from those on the original.
 */
import { z } from "zod";
import { byteChunks, kindOf, linesOf, withRecords } from "@normless/data";
import type { HellaswagItem } from "@normless/evaluate";
import { readAsked, UsageError, within } from "../errors.js";
import { checkJson } from "../json/json.js";

const ENDINGS = 4;

const answer = z.union([z.int(), z.string().regex(/^\d$/, "expected 0, 1, 2 or 3").transform(Number)]);
const itemSchema = z
  .object({
    activity_label: z.string(),
    ctx_a: z.string(),
    ctx_b: z.string(),
    ctx: z.string(),
    endings: z.array(z.string()).length(ENDINGS),
    label: answer.pipe(z.int().min(0).lt(ENDINGS)),
  })
  .transform((fields): HellaswagItem => ({
    activity: fields.activity_label,
    context: fields.ctx,
    parts: { a: fields.ctx_a, b: fields.ctx_b },
    endings: fields.endings,
    answer: fields.label,
  }));
const NAMES = ["activity_label", "ctx_a", "ctx_b", "ctx", "endings", "label"];

/** The first `limit` items of a file or URL, or all. @throws Error naming the file, the place and what is wrong. */
export function readHellaswag(path: string, limit?: number): Promise<readonly HellaswagItem[]> {
  return within(path, () =>
    readAsked(async () => {
      const { kind } = kindOf(path);
      if (kind === "bin") throw new UsageError("HellaSwag is read from .jsonl, .parquet or .txt");
      const items = await (kind === "txt" ? fromText(path, limit) : fromRecords(path, limit));
      if (items.length === 0) throw new Error("there is no item in it");
      return items;
    }),
  );
}

function fromRecords(path: string, limit: number | undefined): Promise<HellaswagItem[]> {
  return withRecords(path, async (file) => {
    const missing = NAMES.filter((name) => !file.names.includes(name));
    if (missing.length > 0) {
      throw new Error(
        `there is no field ${missing.join(", ")}; the fields are ${file.names.join(", ")}. Is it HellaSwag's validation set?`,
      );
    }
    const items: HellaswagItem[] = [];
    for await (const { where, fields } of file.read(NAMES, limit)) {
      items.push(checkJson(where, itemSchema, fields));
    }
    return items;
  });
}

async function fromText(path: string, limit: number = Infinity): Promise<HellaswagItem[]> {
  const items: HellaswagItem[] = [];
  let lines: string[] = [];
  let line = 0;
  for await (const text of linesOf(byteChunks(path))) {
    line++;
    if (lines.length === 0 && text.trim() === "") continue;
    lines.push(text.trim());
    if (lines.length < 2 + ENDINGS) continue;
    items.push(itemOfLines(lines, line - lines.length + 1));
    lines = [];
    if (items.length >= limit) return items;
  }
  if (lines.some((text) => text !== "")) {
    throw new Error(`the last item, from line ${line - lines.length + 1} on, has no six lines`);
  }
  return items;
}

function itemOfLines([head, index, ...endings]: readonly string[], line: number): HellaswagItem {
  const colon = head.indexOf(": ");
  if (colon <= 0) throw new Error(`line ${line} is no label and context, "label: context"`);
  if (!/^[0-3]$/.test(index)) {
    throw new Error(
      `line ${line + 1} is "${index.slice(0, 40)}", not the index of the right ending (0 to 3)`,
    );
  }
  const empty = endings.indexOf("");
  if (empty >= 0) throw new Error(`line ${line + 2 + empty} is empty; it must be an ending`);
  return { activity: head.slice(0, colon), context: head.slice(colon + 2), endings, answer: Number(index) };
}
