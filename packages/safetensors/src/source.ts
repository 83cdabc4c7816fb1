// The port to the bytes of a file: random access by range, so that a file never has to be in memory as a whole.
// Here are the two sources that work in a browser; the one for a file on disk is in node.ts.
import { SafetensorsError } from "./errors.js";

/** Bytes that can be read by range. */
export interface ByteSource {
  /** Length in bytes. */
  readonly size: number;
  /** How errors call it; the part after the last slash is matched with the file names of a sharded model's index. */
  readonly name: string;
  /** The bytes in `[begin, end)`; callers do not write to what they get, which may be a view of the source. */
  read(begin: number, end: number): Promise<Uint8Array>;
}

/** Bytes in memory; nothing is copied. */
export function fromBytes(bytes: Uint8Array, name = "bytes in memory"): ByteSource {
  return { size: bytes.byteLength, name, read: (begin, end) => Promise.resolve(bytes.subarray(begin, end)) };
}

/** What is asked of a Blob: neither a browser's types nor Node's are needed to name it. */
export interface BlobLike {
  readonly size: number;
  slice(begin: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/** A Blob or a browser's File, read range by range. */
export function fromBlob(blob: BlobLike, name: string): ByteSource {
  return {
    size: blob.size,
    name,
    read: async (begin, end) => new Uint8Array(await blob.slice(begin, end).arrayBuffer()),
  };
}

/** Bytes per read and per written chunk. A multiple of 8, so that no element straddles two. */
export const CHUNK_BYTES = 4 * 2 ** 20;

/** The range `[begin, end)` in order, in pieces of at most CHUNK_BYTES. Throws when the source gives less than asked. */
export async function* readChunks(
  source: ByteSource,
  begin: number,
  end: number,
): AsyncGenerator<Uint8Array, void, void> {
  for (let at = begin; at < end; at += CHUNK_BYTES) {
    yield await readExactly(source, at, Math.min(at + CHUNK_BYTES, end));
  }
}

/** The bytes in `[begin, end)`. @throws SafetensorsError when the source gives fewer or more */
export async function readExactly(source: ByteSource, begin: number, end: number): Promise<Uint8Array> {
  const bytes = await source.read(begin, end);
  if (bytes.byteLength !== end - begin) {
    throw new SafetensorsError(
      `${source.name}: read ${bytes.byteLength} bytes of [${begin}, ${end}) where ${end - begin} were expected; ` +
        `the file changed while it was read, or its source is wrong: open it again`,
    );
  }
  return bytes;
}
