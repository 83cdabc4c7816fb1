// Files on disk, for Node only (the subpath "@normless/safetensors/node"): a ByteSource over an open file, and a
// writer that leaves either the old file or the whole new one, never a part.
import { randomUUID } from "node:crypto";
import { open, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { SafetensorsError } from "./errors.js";
import { remedy } from "./node/remedy.js";
import type { ByteSource } from "./source.js";

export { makeFolder } from "./node/make-folder.js";

/** A file on disk, open until `close`. */
export interface FileSource extends ByteSource {
  close(): Promise<void>;
}

/**
 * Opens a file to read ranges of it; its name in errors is the path. The caller closes it. Where another file has taken the
 * path since, the one that was opened is read; where this one was written to, reading is a SafetensorsError.
 * @throws SafetensorsError when there is no such file, or it cannot be read
 */
export async function openFile(path: string): Promise<FileSource> {
  const refuse = (cause: unknown): never => {
    throw new SafetensorsError(`${path}: cannot be opened to read; ${remedy(cause, path)}`, { cause });
  };
  // Before it is opened, which would wait for whoever writes to a pipe.
  if (!(await stat(path).catch(refuse)).isFile()) {
    throw new SafetensorsError(`${path}: is not a file; give the path of a .safetensors file`);
  }
  const file = await open(path, "r").catch(refuse);
  const { size, mtimeMs } = await file.stat();
  return {
    size,
    name: path,
    read: async (begin, end) => {
      const bytes = await readRange(file, path, begin, end);
      // Fewer bytes say themselves that the file was cut.
      if (bytes.length === end - begin && (await file.stat()).mtimeMs !== mtimeMs) {
        throw new SafetensorsError(`${path}: the file was written to since it was opened; open it again`);
      }
      return bytes;
    },
    close: () => file.close(),
  };
}

/** Fewer bytes than asked when the file ends before `end`. */
async function readRange(file: FileHandle, path: string, begin: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - begin);
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await file
      .read(bytes, done, bytes.length - done, begin + done)
      .catch((cause: unknown) => {
        throw new SafetensorsError(
          `${path}: reading at byte ${begin + done} failed; ${remedy(cause, path)}`,
          { cause },
        );
      });
    if (bytesRead === 0) return bytes.subarray(0, done);
    done += bytesRead;
  }
  return bytes;
}

/**
 * Writes chunks to a file and returns how many bytes they were. They go to a temporary file in the same folder, which
 * is synced and then renamed over `path`. The process being killed leaves a `.tmp` file.
 * @throws SafetensorsError when anything fails (a full disk), or an error of the chunks' own; then the temporary file is
 * removed, and what was at `path` before is still there, whole
 */
export async function writeFileAtomic(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<number> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  let written = 0;
  const refuse = (cause: unknown): never => {
    throw new SafetensorsError(
      `${path}: writing failed after ${written} bytes; ${remedy(cause, path)}. What was there before is unchanged`,
      { cause },
    );
  };

  const file = await open(temporary, "wx").catch(refuse);
  try {
    try {
      for await (const chunk of chunks) {
        let done = 0;
        while (done < chunk.byteLength) {
          const { bytesWritten } = await file.write(chunk, done, chunk.byteLength - done).catch(refuse);
          done += bytesWritten;
          written += bytesWritten;
        }
      }
      await file.sync().catch(refuse);
    } finally {
      await file.close().catch(refuse);
    }
    await rename(temporary, path).catch(refuse);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // the first error is the one to tell
    throw error;
  }
  await syncFolder(dirname(path)).catch(() => undefined); // not every system can; the file itself is synced
  return written;
}

/** Makes the rename last through a power cut. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
