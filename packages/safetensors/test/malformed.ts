// Files that readHeader must refuse, one fault each, made by hand from the format's description.
import { oneTensor, rawFile, twoTensors } from "./support.js";

const utf8 = (text: string) => new TextEncoder().encode(text);

/** What is wrong, the file, and what is said after the file's name. */
export const malformed: [string, Uint8Array, string][] = [
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
  [
    "a leading space of another kind",
    rawFile("\u00a0{}"),
    'the header does not begin with "{"; this is not a safetensors file',
  ],
  [
    "nothing but white space",
    rawFile(" \n\t\r"),
    'the header does not begin with "{"; this is not a safetensors file',
  ],
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
    rawFile('{"__metadata__":[]}'),
    "__metadata__ is [], not an object of strings",
  ],
  [
    "metadata that is no text",
    rawFile('{"__metadata__":{"step":3}}'),
    '__metadata__ › "step" is 3; write it as a string',
  ],
  [
    "metadata twice",
    rawFile('{"__metadata__":{"b":"c","b":"d"}}'),
    'the header › "__metadata__" has the key "b" twice; write the file again with one',
  ],
  [
    "half a surrogate pair in metadata",
    rawFile('{"__metadata__":{"b":"\\ud800"}}'),
    'the header › "__metadata__" › "b" has the text "\\ud800", which is not valid Unicode; write the file again without it',
  ],
  [
    "half a surrogate pair in a name",
    rawFile('{"\\ud800":{}}'),
    'the header has the text "\\ud800", which is not valid Unicode; write the file again without it',
  ],
  [
    "thousands of lists inside of each other",
    rawFile(`{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}`),
    "the header has more than 127 lists and objects inside of each other; write the file again",
  ],
  [
    "what a terminal obeys in a name",
    rawFile('{"\\u001b[31m\\n\\u009b":[]}'),
    'tensor "\\u{1b}[31m\\u{a}\\u{9b}" is [], not an object',
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
    "half a surrogate pair in a field that the format does not name",
    rawFile(oneTensor().replace("}}", ',"note":"\\udc00"}}'), 8),
    'the header › "a" › "note" has the text "\\udc00", which is not valid Unicode; write the file again without it',
  ],
  [
    "a dtype that is no name",
    rawFile(oneTensor({ dtype: 32 }), 8),
    'tensor "a" has dtype 32; a dtype is a name such as "F32"',
  ],
  [
    "a length that lies, of a dtype that is not read",
    rawFile(oneTensor({ dtype: "F8_E4M3" }), 8),
    'tensor "a" has 8 bytes in data_offsets [0, 8], but F8_E4M3 of shape [2] at 8 bits each takes 2; the file is damaged or was written wrongly, get or write it again',
  ],
  [
    "an odd number of half bytes",
    rawFile(oneTensor({ dtype: "F4", shape: [3], data_offsets: [0, 2] }), 2),
    'tensor "a" has 2 bytes in data_offsets [0, 2], but F4 of shape [3] at 4 bits each takes 1.5; the file is damaged or was written wrongly, get or write it again',
  ],
  [
    "a hole before a dtype that is not known",
    rawFile(oneTensor({ dtype: "F3", shape: [9], data_offsets: [1, 4] }), 4),
    'tensor "a" begins at data byte 1, but the data begins at 0: a hole of 1; the file is damaged or was written wrongly, get or write it again',
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
    "a number that no float holds, in a field that the format does not name",
    rawFile(oneTensor().replace("}}", ',"note":1e999}}'), 8),
    'the header › "a" › "note" has the number 1e999, which is beyond any float; write the file again without it',
  ],
  [
    "a dimension above 2^53",
    rawFile(oneTensor().replace("[2]", "[9007199254740993]"), 8),
    'tensor "a" has shape [9007199254740992]; a shape is a list of integers in [0, 2^53)',
  ],
  [
    "a product above 2^53",
    rawFile(oneTensor({ shape: [2 ** 40, 2 ** 40] }), 8),
    'tensor "a" has 8 bytes in data_offsets [0, 8], but F32 of shape [1099511627776, 1099511627776] at 32 bits each takes more than 2^53; the file is damaged or was written wrongly, get or write it again',
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
    'tensor "a" has 8 bytes in data_offsets [0, 8], but F32 of shape [3] at 32 bits each takes 12; the file is damaged or was written wrongly, get or write it again',
  ],
  [
    "a hole before the first",
    rawFile(oneTensor({ data_offsets: [4, 12] }), 12),
    'tensor "a" begins at data byte 4, but the data begins at 0: a hole of 4; the file is damaged or was written wrongly, get or write it again',
  ],
  [
    "a hole between two",
    rawFile(twoTensors([0, 4], [6, 8]), 8),
    'tensor "b" begins at data byte 6, but tensor "a" before it ends at 4: a hole of 2; the file is damaged or was written wrongly, get or write it again',
  ],
  [
    "an overlap",
    rawFile(twoTensors([0, 4], [3, 8]), 8),
    'tensor "b" begins at data byte 3, but tensor "a" before it ends at 4: an overlap of 1; the file is damaged or was written wrongly, get or write it again',
  ],
  [
    "the same bytes twice",
    rawFile(twoTensors([0, 4], [0, 4]), 4),
    'tensor "b" begins at data byte 0, but tensor "a" before it ends at 4: an overlap of 4; the file is damaged or was written wrongly, get or write it again',
  ],
  [
    "a file cut short",
    rawFile(twoTensors([0, 4], [4, 8]), 5),
    'the tensors take 8 bytes, but only 5 follow the header; 3 are missing, from tensor "b" on: the file is cut short, get it again',
  ],
  [
    "bytes after the last",
    rawFile(twoTensors([0, 4], [4, 8]), 10),
    "the tensors take 8 bytes, but 10 follow the header; the last 2 belong to no tensor: the file is damaged or was written wrongly, get or write it again",
  ],
  [
    "bytes and no tensor",
    rawFile("{}", 1),
    "the tensors take 0 bytes, but 1 follow the header; the last 1 belong to no tensor: the file is damaged or was written wrongly, get or write it again",
  ],
];
