/**
 * MessagePack held against its own length before it is decoded: a list of so many elements has at least as many bytes, and
 * nothing that is read here is nested deep. Its library takes the memory for a list as soon as one is announced.
 * Source: https://github.com/msgpack/msgpack/blob/master/spec.md#formats
 */
import { FormatError, MOST_NESTED } from "@normless/text";

/** Bytes of a length that follow the first byte, and what one of it stands for: bytes, elements, or pairs of them. */
const LENGTHS: Readonly<
  Record<number, readonly [bytes: number, of: "bytes" | "elements" | "pairs", more?: number]>
> = {
  ...{ 0xc4: [1, "bytes"], 0xc5: [2, "bytes"], 0xc6: [4, "bytes"] },
  ...{ 0xc7: [1, "bytes", 1], 0xc8: [2, "bytes", 1], 0xc9: [4, "bytes", 1] },
  ...{ 0xd9: [1, "bytes"], 0xda: [2, "bytes"], 0xdb: [4, "bytes"] },
  ...{ 0xdc: [2, "elements"], 0xdd: [4, "elements"], 0xde: [2, "pairs"], 0xdf: [4, "pairs"] },
};

/** Bytes that follow the first one of a number, or of an extension of a fixed length with its type. */
const FIXED: Readonly<Record<number, number>> = {
  ...{ 0xca: 4, 0xcb: 8, 0xcc: 1, 0xcd: 2, 0xce: 4, 0xcf: 8, 0xd0: 1, 0xd1: 2, 0xd2: 4, 0xd3: 8 },
  ...{ 0xd4: 2, 0xd5: 3, 0xd6: 5, 0xd7: 9, 0xd8: 17 },
};

/** The chunks of `size` bytes as they are. @throws FormatError naming the byte where they announce what cannot follow */
export async function* boundedMessages(
  chunks: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Uint8Array> {
  const walk = new Walk(size);
  for await (const chunk of chunks) {
    walk.take(chunk);
    yield chunk;
  }
}

class Walk {
  /** Elements that are still to come, of each list and map that is open. */
  readonly #open: number[] = [];
  /** All of those. */
  #toCome = 0;
  #at = 0;
  /** Bytes of a value to pass over. */
  #skip = 0;
  /** A length that is being read. */
  #length: { code: number; left: number; value: number } | undefined;

  constructor(readonly size: number) {}

  take(chunk: Uint8Array): void {
    for (let i = 0; i < chunk.length;) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, chunk.length - i);
        this.#skip -= passed;
        this.#at += passed;
        i += passed;
        continue;
      }
      const byte = chunk[i++];
      this.#at++;
      if (this.#length === undefined) this.#begin(byte);
      else this.#readLength(this.#length, byte);
    }
  }

  #begin(code: number): void {
    const [bytes] = LENGTHS[code] ?? [];
    if (bytes !== undefined) {
      this.#length = { code, left: bytes, value: 0 };
      return;
    }
    if (code >= 0x80 && code <= 0x8f) return this.#inside(2 * (code & 15));
    if (code >= 0x90 && code <= 0x9f) return this.#inside(code & 15);
    this.#value(code >= 0xa0 && code <= 0xbf ? code & 31 : (FIXED[code] ?? 0));
  }

  #readLength(length: { code: number; left: number; value: number }, byte: number): void {
    length.value = 256 * length.value + byte;
    if (--length.left > 0) return;
    this.#length = undefined;
    const [, of, more = 0] = LENGTHS[length.code];
    if (of === "bytes") this.#value(length.value + more);
    else this.#inside(of === "pairs" ? 2 * length.value : length.value);
  }

  /** A value of so many more bytes. */
  #value(bytes: number): void {
    this.#skip = bytes;
    this.#check(bytes);
    while (this.#open.length > 0) {
      this.#toCome--;
      if (--this.#open[this.#open.length - 1] > 0) return;
      this.#open.pop();
    }
  }

  /** A list or map of so many elements. */
  #inside(elements: number): void {
    if (elements === 0) return this.#value(0);
    this.#open.push(elements);
    this.#toCome += elements;
    this.#check(0);
    if (this.#open.length > MOST_NESTED) {
      throw new FormatError(
        `it has more than ${MOST_NESTED} lists and maps inside of each other, at byte ${this.#at}`,
      );
    }
  }

  #check(bytes: number): void {
    if (this.#toCome + bytes <= this.size - this.#at + 1) return;
    throw new FormatError(
      `at byte ${this.#at} it announces ${this.#toCome + bytes} values or bytes, and ${this.size - this.#at} bytes follow`,
    );
  }
}
