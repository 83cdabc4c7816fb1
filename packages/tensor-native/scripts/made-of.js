/** What a build is made of and for. Plain JavaScript, since it runs before anything is built. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { arch, cpus, platform } from "node:os";
import { join } from "node:path";

/**
 * The architecture, and the instructions that the processor has beyond it where the system tells (Linux), else its model.
 * @returns {{ arch: string, has: string[] }}
 */
export function processor() {
  if (platform() !== "linux") return { arch: arch(), has: [cpus()[0]?.model ?? "unknown"] };
  const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "";
  return { arch: arch(), has: flags.trim().split(/\s+/).sort() };
}

/**
 * The C files of a package's folder, and one name for all that is in them and in what compiles them.
 * @param {string} root
 * @returns {{ files: string[], hash: string }}
 */
export function sources(root) {
  const named = (folder) =>
    readdirSync(join(root, folder))
      .sort()
      .map((name) => join(folder, name));
  const names = [...named("native"), ...named("scripts")];
  const hash = createHash("sha256");
  for (const name of names) hash.update(name).update(readFileSync(join(root, name)));
  const files = names.filter((name) => name.endsWith(".c")).map((name) => join(root, name));
  return { files, hash: hash.digest("hex").slice(0, 16) };
}

/**
 * A short name for what is in a file.
 * @param {string} path
 * @returns {string}
 */
export function fileHash(path) {
  return createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 12);
}

/**
 * A prototype in C with no space that means nothing, so that two of them can be compared.
 * @param {string} prototype
 * @returns {string}
 */
export function oneForm(prototype) {
  return prototype
    .replace(/\s+/g, " ")
    .replace(/ ?([(),*]) ?/g, "$1")
    .trim();
}
