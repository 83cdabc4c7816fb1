import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readShard, writeLlmcShard, writeNanogptShard } from "../src/index.js";

const tokens = fc.uint16Array({ minLength: 1, maxLength: 3000 });
const LLMC_MAGIC = 20240520;

const withHeader = (tokens: Uint16Array, index: number, value: number): Uint8Array => {
  const bytes = writeLlmcShard(tokens);
  new DataView(bytes.buffer).setInt32(4 * index, value, true);
  return bytes;
};

describe("readShard", () => {
  it("returns what writeNanogptShard wrote", () => {
    fc.assert(
      fc.property(tokens, (tokens) => {
        const magic = tokens[0] + 65536 * tokens[1] === LLMC_MAGIC;
        fc.pre(!magic);
        expect(readShard(writeNanogptShard(tokens))).toEqual({ format: "nanogpt", tokens });
      }),
    );
  });

  it("returns what writeLlmcShard wrote", () => {
    fc.assert(
      fc.property(tokens, (tokens) => {
        expect(readShard(writeLlmcShard(tokens))).toEqual({ format: "llmc", tokens });
      }),
    );
  });

  it("reads bytes that start at an odd place of their buffer, and keeps its own copy", () => {
    const bytes = new Uint8Array([99, 0x34, 0x12, 0xff, 0xff]).subarray(1);
    const { tokens } = readShard(bytes);
    bytes.fill(0);
    expect(tokens).toEqual(Uint16Array.of(0x1234, 0xffff));
  });

  it("reads an llm.c shard of no tokens", () => {
    expect(readShard(writeLlmcShard(new Uint16Array()))).toEqual({
      format: "llmc",
      tokens: new Uint16Array(),
    });
  });

  it.each([
    ["no bytes", new Uint8Array(), "the shard is empty"],
    ["an odd length", new Uint8Array(7), "7 bytes are no whole number of 2-byte tokens"],
    [
      "a truncated llm.c header",
      writeLlmcShard(Uint16Array.of(1, 2)).subarray(0, 500),
      "a header of 1024 bytes, and this one ends after 500",
    ],
    [
      "a truncated llm.c body",
      writeLlmcShard(Uint16Array.of(1, 2, 3)).subarray(0, -3),
      "the llm.c header says 3 tokens (6 bytes), and 3 bytes follow it",
    ],
    [
      "a header that says too much",
      withHeader(Uint16Array.of(1, 2), 2, 1_000_000),
      "says 1000000 tokens (2000000 bytes), and 4 bytes follow it",
    ],
    [
      "a header that says less than nothing",
      withHeader(Uint16Array.of(1, 2), 2, -2),
      "says -2 tokens (-4 bytes), and 4 bytes follow it",
    ],
    ["an unknown version", withHeader(Uint16Array.of(1), 1, 7), "the llm.c header has version 7"],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => readShard(bytes)).toThrow(message);
  });
});

describe("writeLlmcShard", () => {
  it("writes the header of llm.c: magic, version, number of tokens, zeros", () => {
    const header = new Int32Array(writeLlmcShard(Uint16Array.of(50256, 1, 2)).buffer.slice(0, 1024));
    expect([...header.subarray(0, 3)]).toEqual([LLMC_MAGIC, 1, 3]);
    expect(header.subarray(3)).toEqual(new Int32Array(253));
  });
});
