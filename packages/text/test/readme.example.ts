import { batchAt, encodeDocuments, tokenizerFromVocabAndMerges } from "@normless/text";

// A tokenizer of the 256 bytes, as GPT-2 writes them, of end-of-text and of one pair.
const codes = Array.from({ length: 324 }, (_, code) => code);
const isByte = (code: number) => code > 32 && code !== 173 && (code < 127 || code > 160);
const characters = codes.filter(isByte).map((code) => String.fromCharCode(code));
const vocab = Object.fromEntries([...characters, "<|endoftext|>", "th"].map((token, id) => [token, id]));
const tokenizer = tokenizerFromVocabAndMerges(vocab, "#version: 0.2\nt h\n");

const tokens = encodeDocuments(tokenizer, ["of the people, by the people", "for the people"]);
const { inputs, targets } = batchAt({ tokens, batchSize: 1, blockSize: 8, seed: 1337, step: 0 });
console.log(tokenizer.decode(inputs)); //  people<|endoftext|>
console.log(tokenizer.decode(targets)); // people<|endoftext|>f
