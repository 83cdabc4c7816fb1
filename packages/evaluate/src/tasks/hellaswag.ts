/**
 * HellaSwag (Zellers et al. 2019, https://arxiv.org/abs/1905.07830): which of four endings follows a context. Published
 * scores come from two ways of asking, which are both here and not comparable with each other:
 * - completion: the context and " " + ending as they are; acc takes the ending of the lowest summed nats, acc_norm that
 *   of the lowest mean nats a token. https://github.com/karpathy/build-nanogpt (hellaswag.py), and llm.c
 * - harness: the activity's label before the context, ctx_b capitalised, brackets cleaned away; acc as before, acc_norm
 *   by nats a character of the ending. https://github.com/EleutherAI/lm-evaluation-harness (lm_eval/tasks/hellaswag)
 */
import type { Tokenizer } from "@normless/text";
import { type ChoiceRow, type ChoiceScore, encodePair } from "./choices.js";
import type { Groups } from "@normless/statistics";

/** The two ways in which HellaSwag is scored. */
export const HELLASWAG_SCORINGS = ["completion", "harness"] as const;
/** llm.c's (`completion`) or lm-evaluation-harness's (`harness`). */
export type HellaswagScoring = (typeof HELLASWAG_SCORINGS)[number];

/** A question: a context, and four endings of which one is right. */
export interface HellaswagItem {
  /** activity_label: `Roof shingle removal`. */
  readonly activity: string;
  /** ctx, the whole context: `A man is sitting on a roof. he`. */
  readonly context: string;
  /** ctx_a and ctx_b: the context's whole sentences, and how the next one begins. Not every layout tells them apart. */
  readonly parts?: { readonly a: string; readonly b: string } | undefined;
  readonly endings: readonly string[];
  /** Index of the right ending. */
  readonly answer: number;
}

/** The items' endings in their contexts, one after the other. */
export function hellaswagRows(
  tokenizer: Tokenizer,
  items: readonly HellaswagItem[],
  scoring: HellaswagScoring,
): ChoiceRow[] {
  return items.flatMap((item) => {
    if (scoring === "harness") {
      const question = harnessQuestion(item);
      return item.endings.map((ending) => encodePair(tokenizer, question, ` ${cleaned(ending)}`));
    }
    const context = tokenizer.encode(item.context);
    return item.endings.map((ending) => ({ context, ending: tokenizer.encode(` ${ending}`) }));
  });
}

/** Which items a model got right, by the sum and by the mean. */
export interface HellaswagGrades {
  /** 1 for each item that is right, of 1. */
  readonly acc: Groups;
  readonly accNorm: Groups;
}

/** @param scores of the rows of `hellaswagRows`, in their order */
export function gradeHellaswag(
  items: readonly HellaswagItem[],
  scoring: HellaswagScoring,
  scores: readonly ChoiceScore[],
): HellaswagGrades {
  const acc = new Uint8Array(items.length);
  const accNorm = new Uint8Array(items.length);
  let row = 0;
  items.forEach(({ endings, answer }, i) => {
    const own = scores.slice(row, row + endings.length);
    row += endings.length;
    const lengths =
      scoring === "harness"
        ? endings.map((ending) => [...cleaned(ending)].length)
        : own.map(({ tokens }) => tokens);
    acc[i] = Number(lowest(own.map(({ nats }) => nats)) === answer);
    accNorm[i] = Number(lowest(own.map(({ nats }, ending) => nats / lengths[ending])) === answer);
  });
  const counts = new Uint8Array(items.length).fill(1);
  return { acc: { sums: acc, counts }, accNorm: { sums: accNorm, counts } };
}

function harnessQuestion({ activity, context, parts }: HellaswagItem): string {
  const text = parts ? `${parts.a} ${capitalized(parts.b)}` : context;
  return cleaned(`${activity}: ${text}`);
}

/** As Python's str.capitalize: the first letter a capital, all others small. */
function capitalized(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1).toLowerCase();
}

/** Without the brackets that WikiHow's pages left in the texts. */
function cleaned(text: string): string {
  return text
    .trim()
    .replaceAll(" [title]", ". ")
    .replace(/\[.*?\]/g, "")
    .replaceAll("  ", " ");
}

/** Where the lowest value is, the first of equals. */
function lowest(values: readonly number[]): number {
  return values.indexOf(Math.min(...values));
}
