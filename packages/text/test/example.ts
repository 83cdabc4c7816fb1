import { readFile } from "node:fs/promises";
import { batchAt, encodeDocuments, tokenizerFromVocabAndMerges } from "@normless/text";

const vocab = await readFile("models/sotu/vocab.json", "utf8");
const merges = await readFile("models/sotu/merges.txt", "utf8");
const tokenizer = tokenizerFromVocabAndMerges(JSON.parse(vocab), merges);

const tokens = encodeDocuments(tokenizer, ["We the People of the United States", "Fellow citizens"]);
const { inputs, targets, B, T } = batchAt({ tokens, batchSize: 2, blockSize: 4, seed: 1337, step: 0 });
for (let b = 0; b < B; b++) {
  const [input, target] = [inputs, targets].map((ids) => ids.slice(b * T, (b + 1) * T));
  console.log(`"${tokenizer.decode(input)}" → "${tokenizer.decode(target)}"`);
}
