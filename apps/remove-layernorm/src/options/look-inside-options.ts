/** Options of the commands that look inside a model. */
import { Option } from "@commander-js/extra-typings";
import { countOrAllArgument, integerArgument } from "./arguments.js";
import { described } from "./command.js";
import { positionsArgument } from "../look-inside/asked.js";

export const topOption = (what: string, standard: number) =>
  new Option(
    "--top <n|all>",
    described("so many of what is listed, the largest first", `${standard} ${what}`),
  ).argParser(countOrAllArgument);
export const tokenOption = () =>
  new Option("--token <text>", "the token whose logit it is about, with its space (default: the likeliest)");
export const differenceOption = () =>
  new Option(
    "--difference <tokens...>",
    'the logit of one token less that of another, each with its space: --difference " he" " she"',
  );
export const positionOption = () =>
  new Option(
    "--position <n>",
    "after which token, from 0, or from the end where negative (default: the last)",
  ).argParser(integerArgument);
export const positionsOption = (standard: string) =>
  new Option(
    "--positions <list|all>",
    described("positions with commas between them, from 0, or from the end where negative", standard),
  ).argParser(positionsArgument);
export const exactOption = () =>
  new Option(
    "--exact",
    "refuse a model whose LayerNorms leave no exact form, instead of taking the std of this text",
  );
export const promptsOption = () =>
  new Option(
    "--prompts <task|file.jsonl>",
    "prompts with right and wrong answers: a task of normless prompts by its name, or a file that it wrote",
  );
