import { readFile } from "node:fs/promises";
import { type Tokenizer, tokenizerFromVocabAndMerges } from "@normless/text";
import { beforeAll, describe, expect, it } from "vitest";
import {
  encodePair,
  gradeHellaswag,
  type HellaswagItem,
  type HellaswagScoring,
  hellaswagRows,
  lambadaRow,
} from "../src/index.js";

let tokenizer: Tokenizer;
beforeAll(async () => {
  const read = (file: string) => readFile(new URL(`../../../models/sotu/${file}`, import.meta.url), "utf8");
  tokenizer = tokenizerFromVocabAndMerges(JSON.parse(await read("vocab.json")), await read("merges.txt"));
});

/** As the original file has them; the second is of WikiHow, with its brackets. */
const items: readonly HellaswagItem[] = [
  {
    activity: "Roof shingle removal",
    context: "A man is sitting on a roof. he",
    parts: { a: "A man is sitting on a roof.", b: "he" },
    endings: ["is using wrap.", "is ripping level tiles off.", "is holding a cube.", "starts pulling."],
    answer: 3,
  },
  {
    activity: "Family Life",
    context: "[header] How to rest [title] Sleep. [step] A nap helps.",
    parts: { a: "[header] How to rest [title] Sleep. [step] A nap helps.", b: "" },
    endings: ["[substeps] Lie down.", "Run [title] Go.", "Étude.", "Stand."],
    answer: 2,
  },
];

const texts = (scoring: HellaswagScoring, item: HellaswagItem) =>
  hellaswagRows(tokenizer, [item], scoring).map(({ context, ending }) => [
    tokenizer.decode(context),
    tokenizer.decode(ending),
  ]);

describe("HellaSwag's rows", () => {
  it("of completion are the context and the ending as they are", () => {
    expect(texts("completion", items[0])[1]).toEqual([
      "A man is sitting on a roof. he",
      " is ripping level tiles off.",
    ]);
    expect(texts("completion", items[1])[0]).toEqual([
      "[header] How to rest [title] Sleep. [step] A nap helps.",
      " [substeps] Lie down.",
    ]);
  });

  it("of harness have the label, a capital, and no brackets", () => {
    expect(texts("harness", items[0])[3]).toEqual([
      "Roof shingle removal: A man is sitting on a roof. He",
      " starts pulling.",
    ]);
    // What Python's str.strip, replace and re.sub make of them, one after the other.
    expect(texts("harness", items[1]).slice(0, 2)).toEqual([
      ["Family Life: How to rest. Sleep. A nap helps.", "  Lie down."],
      ["Family Life: How to rest. Sleep. A nap helps.", " Run. Go."],
    ]);
    // Where a layout does not tell ctx_b, the context stays as it is.
    expect(texts("harness", { ...items[0], parts: undefined })[0][0]).toBe(
      "Roof shingle removal: A man is sitting on a roof. he",
    );
  });
});

describe("HellaSwag's grades", () => {
  // Nats and tokens of four endings: the third has the lowest sum, the first the lowest mean.
  const scores = [
    { nats: 8, tokens: 8 },
    { nats: 9, tokens: 4 },
    { nats: 7, tokens: 2 },
    { nats: 12, tokens: 6 },
  ];
  const grade = (scoring: HellaswagScoring, answer: number, endings = ["a", "b", "c", "d"]) => {
    const item = { activity: "", context: "", endings, answer };
    const { acc, accNorm } = gradeHellaswag([item], scoring, scores);
    return [acc.sums[0], accNorm.sums[0]];
  };

  it("are by the sum, and by the mean over tokens", () => {
    expect(grade("completion", 2)).toEqual([1, 0]);
    expect(grade("completion", 0)).toEqual([0, 1]);
  });

  it("of harness are by the sum, and by the characters of the cleaned ending", () => {
    // 7 nats over 4 characters, against 8 over 4, 9 over 5 and 12 over 6.
    const endings = ["four", "fiver", "éé€𝔘", "sixsix"];
    // 9 over 5 is the least where "f𝔘ur" has 4 characters; it has 7 bytes and 5 code units.
    expect(grade("harness", 1, ["f𝔘ur", "fiver", "éé𝔘", "sixsix"])).toEqual([0, 1]);
    expect(grade("harness", 2, endings)).toEqual([1, 1]);
    // Brackets do not count.
    expect(grade("harness", 2, ["four", "fiver", "[x]c", "sixsix"])).toEqual([1, 0]);
  });

  it("go item by item", () => {
    const right = { nats: 1, tokens: 1 };
    const wrong = { nats: 2, tokens: 1 };
    const rows = [wrong, wrong, wrong, right, wrong, right, wrong, wrong];
    const { acc } = gradeHellaswag(items, "completion", rows);
    expect([...Array.from(acc.sums)]).toEqual([1, 0]);
    expect([...Array.from(acc.counts)]).toEqual([1, 1]);
  });
});

describe("pairs of context and ending", () => {
  const pair = (context: string, ending: string) => {
    const row = encodePair(tokenizer, context, ending);
    return [tokenizer.decode(row.context), tokenizer.decode(row.ending)];
  };

  it("are encoded as one text; spaces at the context's end go to the ending", () => {
    expect(pair("the Union", " of")).toEqual(["the Union", " of"]);
    expect(pair("the Union ", "of")).toEqual(["the Union", " of"]);
    const { context, ending } = encodePair(tokenizer, "the Union  ", "of");
    expect([...context, ...ending]).toEqual(tokenizer.encode("the Union  of"));
    expect(pair("", "the")).toEqual(["<|endoftext|>", "the"]);
  });

  it("of LAMBADA part at the last space", () => {
    const decoded = (passage: string) => {
      const { context, ending } = lambadaRow(tokenizer, passage);
      return [tokenizer.decode(context), tokenizer.decode(ending)];
    };
    expect(decoded('He said, "the State of the Union"\n')).toEqual(['He said, "the State of the', ' Union"']);
    expect(decoded("Union")).toEqual(["<|endoftext|>", " Union"]);
  });
});
