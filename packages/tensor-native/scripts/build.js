#!/usr/bin/env node
/**
 * Compiles native/*.c with the system's C compiler, for the processor that it runs on, into build/: `normless-native build`.
 * What is there and still right stays. `--if-possible` makes a missing compiler, or one that fails, a message and no error;
 * `--sanitize` builds into build-sanitize/ with AddressSanitizer and UndefinedBehaviorSanitizer.
 */
import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual, parseArgs, promisify } from "node:util";
import { fileHash, oneForm, processor, sources } from "./made-of.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const run = promisify(execFile);

const USAGE = "Usage: normless-native build [--if-possible] [--sanitize]";

// Contracting a·b + c is asked for by name, since compilers differ in what they do unasked. CFLAGS are not read: those of an
// environment are for other software, and may ask for an old processor; CC may have arguments.
const COMMON = [
  "-std=gnu11",
  "-fPIC",
  "-fvisibility=hidden",
  "-ffp-contract=fast",
  "-fno-math-errno",
  "-Wall",
  "-Wextra",
];
const FAST = ["-O3"];
const SANITIZED = [
  ...["-O1", "-g", "-fno-omit-frame-pointer"],
  ...["-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
];

/** What a build that did not come to its end has left is nobody's after so many milliseconds. */
const ABANDONED = 3_600_000;

/** Command lines that are tried, in order. What CC names is a file, or words: `ccache gcc`. */
function compilers() {
  const { CC = "" } = process.env;
  if (CC.trim() === "") return [["cc"], ["gcc"], ["clang"]];
  return [existsSync(CC) ? [CC] : CC.trim().split(/\s+/)];
}

/** The first compiler that answers, as a function of its arguments, with what it says of itself. */
async function findCompiler() {
  if (process.platform === "win32") throw new Error("there is no build for Windows; in WSL there is");
  for (const [command, ...first] of compilers()) {
    try {
      const { stdout } = await run(command, [...first, "--version"]);
      // A file with the headers of intrinsics, preprocessed, is megabytes.
      const compile = (...flags) => run(command, [...first, ...flags], { maxBuffer: 1 << 28 });
      return { compile, command: [command, ...first].join(" "), version: stdout.split("\n")[0].trim() };
    } catch {
      // The next one.
    }
  }
  const tried = compilers().map((words) => words.join(" "));
  throw new Error(
    `there is no C compiler (tried ${tried.join(", ")}; CC names another). Debian, Ubuntu: apt install gcc; ` +
      "Fedora: dnf install gcc; macOS: xcode-select --install",
  );
}

/** How this compiler is asked for the processor's own instructions. */
async function ofThisProcessor(compile) {
  for (const flag of ["-march=native", "-mcpu=native"]) {
    try {
      await compile(flag, "-E", "-x", "c", "/dev/null");
      return [flag];
    } catch {
      // Clang on some processors knows only the other one.
    }
  }
  return [];
}

/** Does all with at most `limit` at once. */
async function inTurns(all, limit, work) {
  const waiting = [...all];
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}

/** The prototypes of what a C file exports, macros expanded. */
async function exportsOf(compile, flags, source) {
  const { stdout } = await compile(...flags, "-E", "-P", source);
  const found = stdout.matchAll(/__attribute__\(\(visibility\("default"\)\)\)([^{;]*)\{/g);
  return [...found].map(([, prototype]) => oneForm(prototype));
}

/** What the folder holds; undefined where that is no whole build. */
function readBuild(folder) {
  try {
    const build = JSON.parse(readFileSync(join(folder, "build.json"), "utf8"));
    return fileHash(join(folder, build.library)) === build.id ? build : undefined;
  } catch {
    return undefined;
  }
}

async function build({ sanitize = false }) {
  const { compile, command, version } = await findCompiler();
  const { files, hash } = sources(root);
  const flags = [...COMMON, ...(await ofThisProcessor(compile)), ...(sanitize ? SANITIZED : FAST)];
  const from = { sources: hash, compiler: version, command, flags, processor: processor() };
  const folder = join(root, sanitize ? "build-sanitize" : "build");
  if (isDeepStrictEqual(readBuild(folder)?.from, from)) return `${version}: built already`;
  const begun = performance.now();
  mkdirSync(folder, { recursive: true });
  const before = readdirSync(folder);
  const work = mkdtempSync(join(folder, "making-"));
  let library;
  try {
    const objects = new Map(files.map((file) => [file, join(work, `${basename(file, ".c")}.o`)]));
    const functions = [];
    await inTurns(objects, availableParallelism(), async ([source, object]) => {
      functions.push(...(await exportsOf(compile, flags, source)));
      await compile(...flags, "-c", source, "-o", object);
    });
    const linked = join(work, "linked");
    await compile(...flags, "-shared", ...objects.values(), "-o", linked, "-lpthread", "-lm");
    const id = fileHash(linked);
    // A process that has an older one loaded keeps it: each has a name of its own.
    library = `normless-${id}.${process.platform === "darwin" ? "dylib" : "so"}`;
    const record = { id, library, sanitized: sanitize, from, functions: functions.sort() };
    writeFileSync(join(work, "build.json"), `${JSON.stringify(record, null, 2)}\n`);
    // The record is last: until then the one before is in force.
    renameSync(linked, join(folder, library));
    renameSync(join(work, "build.json"), join(folder, "build.json"));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  // Only what was there at the beginning: another build may be under way.
  for (const name of before) {
    const old = join(folder, name);
    const isAbandoned = () =>
      Date.now() - (statSync(old, { throwIfNoEntry: false })?.mtimeMs ?? 0) > ABANDONED;
    if (name.startsWith("making-") ? isAbandoned() : name.startsWith("normless-") && name !== library) {
      rmSync(old, { recursive: true, force: true });
    }
  }
  return `${version}: built in ${((performance.now() - begun) / 1000).toFixed(1)} s`;
}

let options;
try {
  options = parseArgs({
    allowPositionals: true,
    options: { "if-possible": { type: "boolean" }, sanitize: { type: "boolean" }, help: { type: "boolean" } },
  });
  if (!options.values.help && options.positionals.join(" ") !== "build")
    throw new Error("the command is build");
} catch (error) {
  console.error(`normless-native: ${error.message}\n${USAGE}`);
  process.exit(2);
}
if (options.values.help) {
  console.log(USAGE);
} else {
  try {
    console.log(`normless-native: ${await build(options.values)}`);
  } catch (error) {
    // Of a command that failed it has what that wrote, too.
    const message = error.message.trim();
    if (options.values["if-possible"]) console.log(`normless-native: not built, wasm computes: ${message}`);
    else {
      console.error(`normless-native: not built: ${message}`);
      process.exitCode = 1;
    }
  }
}
