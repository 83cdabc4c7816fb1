import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  fromBytes,
  readFloat32,
  readFloat32Into,
  readHeader,
  readTensor,
  SafetensorsError,
  toBytes,
} from "@normless/safetensors";
import { anyEntries, oneTensor, rawFile } from "./support.js";

const two = (a: [number, number], b: [number, number]) =>
  JSON.stringify({
    a: { dtype: "U8", shape: [a[1] - a[0]], data_offsets: a },
    b: { dtype: "U8", shape: [b[1] - b[0]], data_offsets: b },
  });
const utf8 = (text: string) => new TextEncoder().encode(text);

/** What is wrong, the file, and what is said after the file's name. */
const malformed: [string, Uint8Array, string][] = [
  [
    "empty",
    new Uint8Array(0),
    "0 bytes are too few for a safetensors file, which begins with an 8-byte length; get the file again",
  ],
  [
    "only a part of the length",
    new Uint8Array(7),
    "7 bytes are too few for a safetensors file, which begins with an 8-byte length; get the file again",
  ],
  [
    "a length above the limit",
    rawFile("{}", 0, 100_000_001n),
    "the header's length reads 100000001 bytes, above the format's limit of 100000000; this is not a safetensors file",
  ],
  [
    "a length above 2^53",
    rawFile("{}", 0, 2n ** 64n - 1n),
    "the header's length reads 18446744073709551615 bytes, above the format's limit of 100000000; this is not a safetensors file",
  ],
  [
    "a Git LFS pointer",
    utf8("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"),
    "the header's length reads 2336927755350992246 bytes, above the format's limit of 100000000; this looks like a Git LFS pointer: run `git lfs pull` to get the file itself",
  ],
  [
    "a PyTorch zip",
    utf8("PK\x03\x04\0\0\x08\x08\0\0\0\0"),
    "the header's length reads 578712552184433488 bytes, above the format's limit of 100000000; this looks like a PyTorch .bin file: convert it to safetensors first",
  ],
  [
    "a header past the end",
    rawFile("{}", 0, 10n),
    "the header should end at byte 18, but the file has 10 bytes; it is cut short or not a safetensors file: get it again",
  ],
  ["no header", rawFile(""), 'the header does not begin with "{"; this is not a safetensors file'],
  ["a leading space", rawFile(" {}"), 'the header does not begin with "{"; this is not a safetensors file'],
  [
    "a byte order mark",
    rawFile("\ufeff{}"),
    'the header does not begin with "{"; this is not a safetensors file',
  ],
  [
    "an array for a header",
    rawFile("[]"),
    'the header does not begin with "{"; this is not a safetensors file',
  ],
  [
    "bytes that are no UTF-8",
    rawFile(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)),
    "the header is not valid UTF-8; get the file again",
  ],
  [
    "a tensor twice",
    rawFile(`${oneTensor().slice(0, -1)},${oneTensor().slice(1)}`, 8),
    'the header has the key "a" twice; write the file again with one',
  ],
  [
    "a tensor twice, once escaped",
    rawFile(oneTensor().slice(0, -1) + ',"\\u0061":{}}', 8),
    'the header has the key "a" twice; write the file again with one',
  ],
  [
    "a field twice",
    rawFile('{"a":{"dtype":"F32","dtype":"F32"}}', 8),
    'the header › "a" has the key "dtype" twice; write the file again with one',
  ],
  [
    "metadata that is no object",
    rawFile('{"__metadata__":null}'),
    "__metadata__ is null, not an object of strings",
  ],
  [
    "metadata that is no text",
    rawFile('{"__metadata__":{"step":3}}'),
    '__metadata__ › "step" is 3; write it as a string of valid Unicode',
  ],
  [
    "metadata twice",
    rawFile('{"__metadata__":{"b":"c","b":"d"}}'),
    'the header › "__metadata__" has the key "b" twice; write the file again with one',
  ],
  [
    "half a surrogate pair in metadata",
    rawFile('{"__metadata__":{"b":"\\ud800"}}'),
    '__metadata__ › "b" is "\\ud800"; write it as a string of valid Unicode',
  ],
  [
    "half a surrogate pair in a name",
    rawFile('{"\\ud800":{}}'),
    'tensor "\ud800": the name is not valid Unicode; rename it',
  ],
  ["a tensor that is no object", rawFile('{"a":[]}'), 'tensor "a" is [], not an object'],
  [
    "no dtype",
    rawFile(oneTensor({ dtype: undefined }), 8),
    'tensor "a" has no "dtype"; write the file again',
  ],
  [
    "no offsets",
    rawFile(oneTensor({ data_offsets: undefined }), 8),
    'tensor "a" has no "data_offsets"; write the file again',
  ],
  [
    "an unknown dtype",
    rawFile(oneTensor({ dtype: "F8_E4M3" }), 8),
    'tensor "a" has dtype "F8_E4M3", which is not supported; convert it to one of F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, BOOL',
  ],
  [
    "an inherited name for a dtype",
    rawFile(oneTensor({ dtype: "toString" }), 8),
    'tensor "a" has dtype "toString", which is not supported; convert it to one of F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, BOOL',
  ],
  [
    "a shape that is no list",
    rawFile(oneTensor({ shape: 2 }), 8),
    'tensor "a" has shape 2; a shape is a list of integers in [0, 2^53)',
  ],
  [
    "a shape with text",
    rawFile(oneTensor({ shape: ["2"] }), 8),
    'tensor "a" has shape ["2"]; a shape is a list of integers in [0, 2^53)',
  ],
  [
    "a negative dimension",
    rawFile(oneTensor({ shape: [-2] }), 8),
    'the header › "a" › "shape" has the number -2; only integers from 0 up, in digits',
  ],
  [
    "a dimension with a point",
    rawFile(oneTensor().replace("[2]", "[2.0]"), 8),
    'the header › "a" › "shape" has the number 2.0; only integers from 0 up, in digits',
  ],
  [
    "a dimension with an exponent",
    rawFile(oneTensor().replace("[2]", "[2e0]"), 8),
    'the header › "a" › "shape" has the number 2e0; only integers from 0 up, in digits',
  ],
  [
    "a dimension above 2^53",
    rawFile(oneTensor().replace("[2]", "[9007199254740993]"), 8),
    'tensor "a" has shape [9007199254740992]; a shape is a list of integers in [0, 2^53)',
  ],
  [
    "a product above 2^53",
    rawFile(oneTensor({ shape: [2 ** 40, 2 ** 40] }), 8),
    'tensor "a" has 8 bytes in data_offsets [0, 8], but F32 of shape [1099511627776, 1099511627776] at 4 bytes each takes more than 2^53; the file is damaged or was written wrongly, get or write it again',
  ],
  [
    "three offsets",
    rawFile(oneTensor({ data_offsets: [0, 8, 8] }), 8),
    'tensor "a" has data_offsets [0,8,8]; they are two integers [begin, end] in [0, 2^53), begin <= end',
  ],
  [
    "offsets that run backwards",
    rawFile(oneTensor({ data_offsets: [8, 0] }), 8),
    'tensor "a" has data_offsets [8,0]; they are two integers [begin, end] in [0, 2^53), begin <= end',
  ],
  [
    "a length that lies",
    rawFile(oneTensor({ shape: [3] }), 8),
    'tensor "a" has 8 bytes in data_offsets [0, 8], but F32 of shape [3] at 4 bytes each takes 12; the file is damaged or was written wrongly, get or write it again',
  ],
  [
    "a hole before the first",
    rawFile(oneTensor({ data_offsets: [4, 12] }), 12),
    'tensor "a" begins at data byte 4, but the data begins at 0: a hole of 4; the file is damaged or was written wrongly, get or write it again',
  ],
  [
    "a hole between two",
    rawFile(two([0, 4], [6, 8]), 8),
    'tensor "b" begins at data byte 6, but tensor "a" before it ends at 4: a hole of 2; the file is damaged or was written wrongly, get or write it again',
  ],
  [
    "an overlap",
    rawFile(two([0, 4], [3, 8]), 8),
    'tensor "b" begins at data byte 3, but tensor "a" before it ends at 4: an overlap of 1; the file is damaged or was written wrongly, get or write it again',
  ],
  [
    "the same bytes twice",
    rawFile(two([0, 4], [0, 4]), 4),
    'tensor "b" begins at data byte 0, but tensor "a" before it ends at 4: an overlap of 4; the file is damaged or was written wrongly, get or write it again',
  ],
  [
    "a file cut short",
    rawFile(two([0, 4], [4, 8]), 5),
    'the tensors take 8 bytes, but only 5 follow the header; 3 are missing, from tensor "b" on: the file is cut short, get it again',
  ],
  [
    "bytes after the last",
    rawFile(two([0, 4], [4, 8]), 10),
    "the tensors take 8 bytes, but 10 follow the header; the last 2 belong to no tensor: the file is damaged or was written wrongly, get or write it again",
  ],
  [
    "bytes and no tensor",
    rawFile("{}", 1),
    "the tensors take 0 bytes, but 1 follow the header; the last 1 belong to no tensor: the file is damaged or was written wrongly, get or write it again",
  ],
];

describe("a malformed file", () => {
  it.each(malformed)("%s", async (_, file, message) => {
    const error: unknown = await readHeader(fromBytes(file, "m.safetensors")).catch(
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(SafetensorsError);
    expect((error as SafetensorsError).message).toBe(`m.safetensors: ${message}`);
  });

  // The reason in brackets is in the JavaScript engine's words.
  it.each([
    ["a cut header", rawFile('{"a":')],
    ["padding with zero bytes", rawFile("{}\0")],
  ])("%s", async (_, file) => {
    await expect(readHeader(fromBytes(file, "m.safetensors"))).rejects.toThrow(
      /^m\.safetensors: the header is not JSON \(.*\); write the file again$/,
    );
  });

  it("is refused with a SafetensorsError whichever byte of a good one is changed, or read", async () => {
    await fc.assert(
      fc.asyncProperty(anyEntries, fc.nat(), fc.nat(255), async (entries, where, value) => {
        const file = await toBytes(entries);
        file[where % file.length] = value;
        const outcome = await readHeader(fromBytes(file)).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(SafetensorsError);
        else expect(outcome).toHaveProperty("dataOffset");
      }),
      { numRuns: 300 },
    );
  });

  it("is refused wherever a good one is cut", async () => {
    await fc.assert(
      fc.asyncProperty(anyEntries, fc.nat(), async (entries, where) => {
        const file = await toBytes(entries);
        const cut = file.subarray(0, where % file.length);
        await expect(readHeader(fromBytes(cut))).rejects.toThrow(SafetensorsError);
      }),
    );
  });
});

describe("what the reference implementation takes is taken", () => {
  it.each([
    ["no tensors", rawFile("{}"), {}],
    ["space after the JSON", rawFile("{} \n\t"), {}],
    [
      "a field that the format does not name",
      rawFile(oneTensor().replace("}}", ',"note":"{[,"}}'), 8),
      { a: [2] },
    ],
    ["tensors in another order than their bytes", rawFile(two([4, 8], [0, 4]), 8), { b: [4], a: [4] }],
    [
      "a tensor called __proto__",
      rawFile(oneTensor().replace('"a"', '"__proto__"'), 8),
      { ["__proto__"]: [2] },
    ],
    ["an empty tensor between two", rawFile(two([0, 4], [4, 4]), 4), { a: [4], b: [0] }],
    ["a scalar", rawFile(oneTensor({ shape: [], data_offsets: [0, 4] }), 4), { a: [] }],
  ])("%s", async (_, file, shapes) => {
    const { tensors } = await readHeader(fromBytes(file));
    expect([...tensors].map(([name, { shape }]) => [name, shape])).toEqual(Object.entries(shapes));
  });
});

describe("reading a tensor", () => {
  const names = ["wte", "wpe", "ln_f"];
  const source = async () =>
    fromBytes(
      await toBytes(names.map((name) => ({ name, dtype: "I32", shape: [2], data: Int32Array.of(1, 2) }))),
      "m.safetensors",
    );

  it("names what there is when the tensor is not there", async () => {
    const file = await source();
    await expect(readTensor(file, await readHeader(file), "lm_head")).rejects.toThrow(
      'm.safetensors: there is no tensor "lm_head"; there are 3: "wte", "wpe", "ln_f"',
    );
  });

  it("refuses integers as float32", async () => {
    const file = await source();
    await expect(readFloat32(file, await readHeader(file), "wte")).rejects.toThrow(
      'm.safetensors: tensor "wte" is I32, not a float; read it with readTensor',
    );
  });

  it("refuses a target of another length", async () => {
    const file = await source();
    await expect(readFloat32Into(new Float32Array(3), file, await readHeader(file), "wte")).rejects.toThrow(
      'm.safetensors: tensor "wte" of shape [2] has 2 elements, but the target has 3; give one of the tensor\'s length',
    );
  });

  it("notices that the file became shorter", async () => {
    const file = await source();
    const header = await readHeader(file);
    const shorter = { ...file, read: (begin: number, end: number) => file.read(begin, end - 1) };
    await expect(readTensor(shorter, header, "wte")).rejects.toThrow(
      /^m\.safetensors: read 7 bytes of .* 8 were expected/,
    );
  });
});
