import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { findFiles, readTokens } from "@normless/data";
import { tokenizerFromVocabAndMerges, writeNanogptShard } from "@normless/text";

const folder = await mkdtemp(join(tmpdir(), "data-"));
await writeFile(join(folder, "a.jsonl"), '{"text": "abba"}\n{"text": "ab"}\n');
await writeFile(join(folder, "b.bin.gz"), gzipSync(writeNanogptShard(Uint16Array.of(1, 0, 2))));
await writeFile(join(folder, "notes.md"), "no data");

const { files } = await findFiles(folder);
console.log(files.map((file) => basename(file))); // [ 'a.jsonl', 'b.bin.gz' ]

// A tokenizer of the 256 bytes alone, as GPT-2 writes them, and of end-of-text.
const codes = Array.from({ length: 324 }, (_, code) => code);
const isByte = (code: number) => code > 32 && code !== 173 && (code < 127 || code > 160);
const characters = codes.filter(isByte).map((code) => String.fromCharCode(code));
const vocab = Object.fromEntries([...characters, "<|endoftext|>"].map((token, id) => [token, id]));
const tokenizer = tokenizerFromVocabAndMerges(vocab, "#version: 0.2\n");

const tokens = await readTokens(files, { vocabSize: 257, tokenizer });
console.log(tokens.join(" ")); // 64 65 65 64 256 64 65 256 1 0 2
