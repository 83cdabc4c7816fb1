import { readFile } from "node:fs/promises";
import { batchAt, encodeDocuments, tokenizerFromVocabAndMerges } from "@normless/text";

const vocab = await readFile("models/sotu/vocab.json", "utf8");
const merges = await readFile("models/sotu/merges.txt", "utf8");
const tokenizer = tokenizerFromVocabAndMerges(JSON.parse(vocab), merges);

const tokens = encodeDocuments(tokenizer, ["We the People of the United States", "Fellow citizens"]);
const { inputs, targets } = batchAt({ tokens, batchSize: 1, blockSize: 4, seed: 1337, step: 0 });
console.log(tokenizer.decode(inputs)); // ople of the United
console.log(tokenizer.decode(targets)); //  of the United States
