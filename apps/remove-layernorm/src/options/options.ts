/** Options that commands of several kinds share, and their help: one name is one thing, whichever command has it. */
import { Option } from "@commander-js/extra-typings";
import { dataText } from "../data/data-files.js";
import { weightDtypes } from "../json/schemas.js";
import { countOrAllArgument, listArgument, wholeArguments } from "./arguments.js";
import { described } from "./command.js";

const MODEL = "a Hugging Face folder of a GPT-2, or its name on the hub, such as gpt2-medium";
export const SHIPPED = "the model that ships, models/sotu";
export const modelOption = (standard = SHIPPED) =>
  new Option("--model <dir|name>", described(MODEL, standard));
/** The same of several, as `eval` takes them. */
export const modelsOption = (standard?: string) =>
  new Option(
    "--model <dir|name...>",
    described(`${MODEL}; several one after the other, or with commas`, standard),
  ).argParser(listArgument);

export const weightsOption = new Option(
  "--weights <dtype>",
  "matrices and embeddings, as they are or rounded to bfloat16",
)
  .choices(["float32", "bfloat16"] as const)
  .default("float32" as const);

export const outOption = (standard?: string) =>
  new Option("--out <dir>", described("the folder to write", standard));
export const jsonOption = new Option(
  "--json <file>",
  "every figure as JSON, into this file; - is standard output, which then has nothing else",
);
export const htmlOption = (standard?: string) =>
  new Option("--html <file>", described("the figures as a page with charts, into this file", standard));

export const dataOption = (standard: string) =>
  new Option("--data <file...>", described(`what to look at: ${dataText}`, standard));
/** How much of that is looked at. */
export const tokensOption = (standard: string | number) =>
  new Option(
    "--tokens <n|all>",
    described("so many tokens of the data, from the first", String(standard)),
  ).argParser(countOrAllArgument);
/** A column of a data file; functions, since a command may put them into a group of its own. */
export const textColumnOption = () =>
  new Option("--text-column <name>", "the texts of a .jsonl or .parquet (default: text)").conflicts(
    "tokenColumn",
  );
export const tokenColumnOption = () =>
  new Option(
    "--token-column <name>",
    "or its lists of token ids (default: input_ids or tokens, where there is no text)",
  );

/** Rows of each kind, where none are asked for. */
export const POSITION_ROWS = 256;
export const positionRowsOption = () =>
  new Option(
    "--position-rows <n>",
    "rows of each kind (windows of the text as they are, the same after end-of-text, documents after end-of-text) " +
      "that cross-entropy and KL are measured on position by position, spread evenly; 0 for none " +
      `(default: ${POSITION_ROWS})`,
  ).argParser(wholeArguments.positionRows);

export const promptOption = (standard?: string) =>
  new Option(
    "--prompt <text>",
    described("the text to go on from; <|endoftext|> in it is the token, and an empty one is that", standard),
  );

export const normsOption = new Option("--norms <file.json>", "constants to freeze norms at, see below");
export const dtypeOption = new Option(
  "--dtype <dtype>",
  "what the weights are stored in (default: F32)",
).choices(weightDtypes);
