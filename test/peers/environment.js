/**
 * The Python environments that the stock peers run in: made from requirements.txt where they are not there yet, or are
 * of another one, and kept in an ignored folder.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const folder = fileURLToPath(new URL("../../.venv", import.meta.url));

/**
 * The Python that has everything of requirements.txt. Some minutes and seven gigabytes the first time.
 * @returns {string} the path of its executable
 * @throws {Error} saying which command failed, when it cannot be made
 */
export function peersPython() {
  const environment = join(folder, "peers");
  const python = join(environment, "bin/python");
  makeOnce(environment, ["requirements.txt", "constraints.txt"], () => {
    command("python3", ["-m", "venv", environment]);
    command(python, [...INSTALL, "-r", join(here, "requirements.txt")]);
  });
  return python;
}

/**
 * The folder with TransformerLens 3, to be put before all others on PYTHONPATH.
 * @returns {string}
 * @throws {Error} as `peersPython` does
 */
export function lens3Folder() {
  const target = join(folder, "lens-3");
  makeOnce(target, ["requirements-lens-3.txt"], () => {
    command(peersPython(), [
      ...INSTALL,
      "--no-deps",
      "--target",
      target,
      "-r",
      join(here, "requirements-lens-3.txt"),
    ]);
  });
  return target;
}

const INSTALL = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];

/**
 * Runs `make` where the folder is not there, or was made from other files, or not to the end.
 * @param {string} target
 * @param {readonly string[]} files
 * @param {() => void} make
 */
function makeOnce(target, files, make) {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(join(here, file)));
  const made = hash.digest("hex");
  const stamp = join(target, ".made-from");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === made) return;
  process.stderr.write(`installing the stock Python software of test/peers/${files[0]} into ${target}\n`);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  make();
  writeFileSync(stamp, made);
}

/**
 * @param {string} name
 * @param {readonly string[]} args
 */
function command(name, args) {
  const { status, error } = spawnSync(name, args, { stdio: ["ignore", 2, 2] });
  if (status === 0) return;
  const why = error ? error.message : `exit status ${status}`;
  throw new Error(`${name} ${args.join(" ")}: ${why}; the stock peers need Python 3.11 with venv, and PyPI`);
}
