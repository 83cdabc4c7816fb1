/** Files out of others: bytes changed, taken out, put in, doubled, exchanged with those of another file. */
import type { Random } from "@normless/random";

/** Bytes of a file, at most: what a reader does wrong, it does with few. */
export const LONGEST = 8192;

const utf8 = (text: string) => new TextEncoder().encode(text);

/** What readers of text and JSON trip over, and numbers as files hold them. */
const PIECES: readonly Uint8Array[] = [
  ...'{ } [ ] , : " \\ null true -1 0 1 1.5 1e999 -0 9007199254740993 1e8 "" [] {} "__proto__":{} "constructor"'
    .split(" ")
    .map(utf8),
  ...[
    "\n",
    "\r\n",
    "\0",
    "\t ",
    "\ufeff",
    "\u001b[31m",
    "\u202e",
    "\u2028",
    '"\\ud800"',
    "<|endoftext|>",
    '"toString":1,',
  ].map(utf8),
  utf8("[".repeat(300)),
  utf8('{"a":'.repeat(300)),
  utf8(`"${"x".repeat(1000)}"`),
  ...[
    [0xff],
    [0xff, 0xff, 0xff, 0xff],
    [0, 0, 0, 0],
    [0x80],
    [0, 0, 0, 0x80],
    [0xff, 0xff, 0xff, 0x7f],
    [0xc3],
    [0xed, 0xa0, 0x80],
  ].map((bytes) => Uint8Array.from(bytes)),
];

/** Strings and numbers of JSON, which are exchanged whole. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/g;

type Mutation = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

const joined = (...parts: readonly Uint8Array[]) => {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};
const place = (bytes: Uint8Array, random: Random) => random.below(bytes.length + 1);
/** More often a short stretch than a long one. */
const stretch = (bytes: Uint8Array, random: Random): [number, number] => {
  const begin = place(bytes, random);
  const longest = bytes.length - begin;
  const length = random.below(Math.min(longest, random.below(2) === 0 ? 4 : longest) + 1);
  return [begin, begin + length];
};
const put = (bytes: Uint8Array, piece: Uint8Array, [begin, end]: readonly [number, number]) =>
  joined(bytes.subarray(0, begin), piece, bytes.subarray(end));
const one = <X>(all: readonly X[], random: Random): X => all[random.below(all.length)];

const MUTATIONS: readonly Mutation[] = [
  // A bit, a byte, a byte a little off.
  (bytes, random) => changed(bytes, random, (byte) => byte ^ (1 << random.below(8))),
  (bytes, random) => changed(bytes, random, () => random.below(256)),
  (bytes, random) => changed(bytes, random, (byte) => byte + random.below(17) - 8),
  (bytes, random) => put(bytes, new Uint8Array(), stretch(bytes, random)),
  (bytes, random) => put(bytes, one(PIECES, random), [place(bytes, random), bytes.length]),
  (bytes, random) => put(bytes, one(PIECES, random), stretch(bytes, random)),
  (bytes, random) => {
    const at = place(bytes, random);
    return put(bytes, one(PIECES, random), [at, at]);
  },
  (bytes, random) => {
    const at = place(bytes, random);
    return put(bytes, bytes.subarray(...stretch(bytes, random)), [at, at]);
  },
  (bytes, random, other) => put(bytes, other.subarray(...stretch(other, random)), stretch(bytes, random)),
  (bytes, random, other) =>
    joined(bytes.subarray(0, place(bytes, random)), other.subarray(place(other, random))),
  exchangedToken,
  exchangedToken,
];

function changed(bytes: Uint8Array, random: Random, change: (byte: number) => number): Uint8Array {
  if (bytes.length === 0) return Uint8Array.of(change(0));
  const copy = Uint8Array.from(bytes);
  const at = random.below(bytes.length);
  copy[at] = change(copy[at]);
  return copy;
}

/** A value of JSON in the place of another. */
function exchangedToken(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString("latin1");
  const tokens = [...text.matchAll(TOKEN)];
  if (tokens.length === 0) return changed(bytes, random, () => random.below(256));
  const { index, 0: token } = one(tokens, random);
  const others = Buffer.from(other).toString("latin1").match(TOKEN) ?? [];
  const isOther = others.length > 0 && random.below(2) === 0;
  const piece = isOther ? new Uint8Array(Buffer.from(one(others, random), "latin1")) : one(PIECES, random);
  return put(bytes, piece, [index, index + token.length]);
}

/** A file with some changes, drawn at random; `other` gives parts. */
export function mutated(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  let result = bytes;
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    result = one(MUTATIONS, random)(result, random, other).subarray(0, LONGEST);
  }
  return result;
}
