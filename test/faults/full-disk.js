/**
 * Loaded before a command (`--import full-disk.js?bytes=N`): a disk that is full once so many bytes are written. The write
 * that does not fit is done in part, as systems do it, and every one after it fails.
 */
import { createRequire, syncBuiltinESMExports } from "node:module";

const fs = createRequire(import.meta.url)("node:fs/promises");
let left = Number(new URL(import.meta.url).searchParams.get("bytes"));

const full = () => Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });

/** So many of the bytes that are to be written fit. */
function take(bytes) {
  const fits = Math.min(left, bytes);
  left -= fits;
  if (fits === 0 && bytes > 0) throw full();
  return fits;
}

const { open } = fs;
fs.open = async (path, ...rest) => {
  const file = await open(path, ...rest);
  const { write } = file;
  file.write = async (bytes, offset = 0, length = bytes.byteLength - offset, position) =>
    write.call(file, bytes, offset, take(length), position);
  return file;
};

for (const name of ["writeFile", "appendFile"]) {
  const whole = fs[name];
  fs[name] = async (path, data, ...rest) => {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    const fits = take(bytes.byteLength);
    await whole(path, bytes.subarray(0, fits), ...rest);
    if (fits < bytes.byteLength) throw full();
  };
}
syncBuiltinESMExports();
