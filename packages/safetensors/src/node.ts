// Files on disk, for Node only (the subpath "@normless/safetensors/node"): a ByteSource over an open file, and
// writers that leave either what was there or all that is new, never a part.
import { open, stat, type FileHandle } from "node:fs/promises";
import { SafetensorsError } from "./errors.js";
import { remedy } from "./node/remedy.js";
import type { ByteSource } from "./source.js";

export { makeFolder } from "./node/make-folder.js";
export { hasEnded, isHere, processName, THIS_PROCESS, type ProcessName } from "./node/process-name.js";
export { isTemporary, removeTemporaries, withTemporary } from "./node/temporary.js";
export { writeFileAtomic, writeFolderAtomic, type FolderOptions } from "./node/write.js";

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
