/** Texts packed by gzip. */
import { gzipSync } from "node:zlib";
import { dataTarget, tokensOf } from "../data-file.js";

const packed = new Uint8Array(gzipSync("the cat<|endoftext|>then"));
const stored = new Uint8Array(gzipSync("the cat", { level: 0 }));

export const target = dataTarget({
  seeds: () =>
    Promise.resolve([
      packed,
      stored,
      Uint8Array.of(...packed, ...stored),
      Uint8Array.of(...packed, 0, 0, 0),
      Uint8Array.of(...packed, 0, 1),
      packed.subarray(0, -3),
      new Uint8Array(gzipSync(Uint8Array.of(0x61, 0xff))),
      new Uint8Array(gzipSync("")),
      Uint8Array.of(...packed, ...new Uint8Array(2000)),
      Uint8Array.of(...packed, ...stored, ...packed, 7),
      new Uint8Array(),
    ]),
  read: (bytes) => tokensOf("a-file.txt.gz", bytes),
  library: true,
  files: ["data/src/sources/unpack", "data/src/sources/bytes", "data/src/formats/lines"],
});
