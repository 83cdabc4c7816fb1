/** Token shards, in one piece and as a stream: both must read the same. */
import { gzipSync } from "node:zlib";
import { readShard, writeLlmcShard, writeNanogptShard } from "@normless/text";
import { dataTarget, outcome, tokensOf } from "../data-file.js";

const tokens = Uint16Array.of(1, 0, 65535, 256);

export const target = dataTarget({
  seeds: () =>
    Promise.resolve([
      writeNanogptShard(tokens),
      writeNanogptShard(new Uint16Array(600).fill(7)),
      writeLlmcShard(tokens),
      writeLlmcShard(tokens).subarray(0, 1000),
      writeLlmcShard(tokens).subarray(0, 1029),
      Uint8Array.of(...writeLlmcShard(tokens), 0),
      new Uint8Array(),
    ]),
  async read(bytes) {
    const whole = await outcome(tokensOf("a-file.bin", bytes));
    const streamed = await outcome(tokensOf("a-file.bin.gz", gzipSync(bytes, { level: 0 })));
    if (whole !== streamed) throw new Error(`read whole it is ${whole}, and as a stream ${streamed}`);
    const result = await tokensOf("a-file.bin", bytes);
    const shard = readShard(bytes);
    if (shard.tokens.join() !== result.join()) throw new Error("readShard reads other tokens");
    return result;
  },
  files: [
    "text/src/shards",
    "data/src/tokens",
    "data/src/read-tokens",
    "data/src/formats/pieces",
    "data/src/sources/bytes",
    "data/src/sources/unpack",
  ],
});
