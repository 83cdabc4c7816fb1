/** Files piece by piece, from any place on: one may have more bytes than an array can. */
import { type FileHandle, open, stat } from "node:fs/promises";

/** Bytes that are read by range. */
export interface Bytes {
  readonly size: number;
  /** Those from `begin` to before `end`, in pieces that nobody writes to afterwards. */
  read(begin: number, end: number): AsyncIterable<Uint8Array>;
}

/** A piece is so long, or ends with the file. */
const PIECE = 2 ** 26;

/**
 * Only an ordinary file is read: opening a pipe waits for whoever writes to it, and a device need not end.
 * @throws Error when it is anything else; one of the system where there is nothing
 */
export async function checkFile(path: string): Promise<void> {
  const found = await stat(path);
  if (found.isFile() || found.isDirectory()) return;
  const what = found.isFIFO() ? "a named pipe" : found.isSocket() ? "a socket" : "a device";
  throw new Error(`is ${what}; only a file is read, or standard input: -`);
}

/** The bytes of a file, which is closed afterwards. @throws an Error of the system, and one when the file became shorter */
export async function withFile<X>(path: string, use: (bytes: Bytes) => Promise<X>): Promise<X> {
  await checkFile(path);
  const file = await open(path);
  try {
    const { size } = await file.stat();
    return await use({ size, read: (begin, end) => pieces(file, begin, end) });
  } finally {
    await file.close();
  }
}

/** Bytes that are in memory, in one piece. */
export const inMemory = (bytes: Uint8Array): Bytes => ({
  size: bytes.length,
  async *read(begin, end) {
    yield await Promise.resolve(bytes.subarray(begin, end));
  },
});

async function* pieces(file: FileHandle, begin: number, end: number): AsyncGenerator<Uint8Array> {
  for (let at = begin; at < end; at += PIECE) {
    const piece = Buffer.allocUnsafeSlow(Math.min(PIECE, end - at));
    let length = 0;
    while (length < piece.length) {
      const { bytesRead } = await file.read(piece, length, piece.length - length, at + length);
      if (bytesRead === 0) throw new Error("it became shorter while it was read");
      length += bytesRead;
    }
    yield piece;
  }
}
