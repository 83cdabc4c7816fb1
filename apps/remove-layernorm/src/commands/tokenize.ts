/** `normless tokenize`: a text as tokens, and which words are one. */
import { promptIds } from "@normless/gpt2";
import { withFiles } from "../engine/device.js";
import { needTokenizer } from "../look-inside/asked.js";
import { type WordTokens, wordsOf, wordTokens } from "../look-inside/words.js";
import { shippedModel } from "../models/shipped.js";
import { command } from "../options/command.js";
import * as shared from "../options/options.js";
import { inputsOf } from "../options/outputs.js";
import { besideJson, checkResults, writeJsonResult } from "../run-folder/result-file.js";
import type { Io } from "../terminal/io.js";
import { table } from "../terminal/table.js";
import { quotedToken } from "../terminal/token-text.js";

export interface TokenizeOptions {
  readonly model?: string | undefined;
  readonly json?: string | undefined;
}

/** What `--json` writes. */
export interface TokenizeData {
  readonly model: string;
  readonly text: string;
  readonly tokens: readonly { readonly position: number; readonly id: number; readonly piece: string }[];
  readonly words: readonly WordTokens[];
}

const WHAT = `
A logit belongs to a token, so that what is asked of a model is best asked in words that are one. Most words of a text are one with
the space before them and several without it. <|endoftext|> is the token.`;

export function tokenizeCommand(io: Io) {
  return command("tokenize", "A text as tokens, and which spelling of each word is one token", [
    '"My fellow citizens"',
    '" Mary gave it to John" --model gpt2',
  ])
    .argument("<text>", "the text; in quotes, with the space before it where it has one")
    .addOption(shared.modelOption())
    .addOption(shared.jsonOption)
    .addHelpText("after", WHAT)
    .action((text, options) => tokenizeText(besideJson(io, options.json), text, options));
}

export async function tokenizeText(io: Io, text: string, options: TokenizeOptions): Promise<void> {
  const { model = shippedModel() } = options;
  const { "--json": json } = await checkResults({ "--json": options.json }, inputsOf({ ...options, model }));
  await withFiles(io, model, async ({ name, loaded }) => {
    const tokenizer = needTokenizer(name, loaded);
    const tokens = promptIds(tokenizer, text).map((id, position) => ({
      ...{ position, id, piece: quotedToken(tokenizer, id) },
    }));
    const words = wordsOf(text).map((word) => wordTokens(tokenizer, word));
    const data: TokenizeData = { model: name, text, tokens, words };
    io.out(
      table(
        io,
        ["piece", "position", "id"],
        tokens.map(({ piece, position, id }) => [piece, String(position), String(id)]),
      ),
    );
    if (words.length > 0) {
      io.out(
        table(
          io,
          ["word", "tokens", "one token"],
          words.map(({ word, ids, oneToken }) => [
            JSON.stringify(word),
            ids.map((id) => quotedToken(tokenizer, id)).join(" "),
            oneToken.map(({ text, id }) => `${JSON.stringify(text)} ${id}`).join(", ") || "none",
          ]),
          3,
        ),
      );
    }
    if (json !== undefined) await writeJsonResult(io, json, data);
  });
}
