#!/usr/bin/env node
/**
 * Compiles native/*.c with the system's C compiler, for the processor that it runs on, into build/: `normless-native build`.
 * What is there and still right stays. `--if-possible` makes a missing compiler, or one that fails, a message and no error;
 * `--sanitize` builds into build-sanitize/ with AddressSanitizer and UndefinedBehaviorSanitizer.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { processor, sources } from "./made-of.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const run = promisify(execFile);

const USAGE = "Usage: normless-native build [--if-possible] [--sanitize]";

/** Those that are tried, in order. */
const compilers = process.env.CC ? [process.env.CC] : ["cc", "gcc", "clang"];

// Contracting a·b + c is asked for by name, since compilers differ in what they do unasked.
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
  "-O1",
  "-g",
  "-fsanitize=address,undefined",
  "-fno-sanitize-recover=all",
  "-fno-omit-frame-pointer",
];

/** The first compiler that answers, with what it says of itself. */
async function findCompiler() {
  for (const compiler of compilers) {
    try {
      const { stdout } = await run(compiler, ["--version"]);
      return { compiler, version: stdout.split("\n")[0].trim() };
    } catch {
      // The next one.
    }
  }
  throw new Error(
    `there is no C compiler (tried ${compilers.join(", ")}; CC names another). Debian, Ubuntu: apt install gcc; ` +
      "Fedora: dnf install gcc; macOS: xcode-select --install",
  );
}

/** How this compiler is asked for the processor's own instructions. */
async function ofThisProcessor(compiler) {
  for (const flag of ["-march=native", "-mcpu=native"]) {
    try {
      await run(compiler, [flag, "-E", "-x", "c", "/dev/null"]);
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

async function build({ sanitize }) {
  const { compiler, version } = await findCompiler();
  const { files, hash } = sources(root);
  const flags = [...COMMON, ...(await ofThisProcessor(compiler)), ...(sanitize ? SANITIZED : FAST)];
  const made = JSON.stringify([hash, version, flags, processor()]);
  const id = createHash("sha256").update(made).digest("hex").slice(0, 12);

  const folder = join(root, sanitize ? "build-sanitize" : "build");
  const stamp = join(folder, "build.json");
  const library = `normless-${id}.${process.platform === "darwin" ? "dylib" : "so"}`;
  if (
    existsSync(stamp) &&
    JSON.parse(readFileSync(stamp, "utf8")).id === id &&
    existsSync(join(folder, library))
  ) {
    return `${version}: built already`;
  }
  const begun = performance.now();
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(folder, "making-"));
  try {
    const objects = new Map(files.map((file) => [file, join(work, `${basename(file, ".c")}.o`)]));
    await inTurns(objects, availableParallelism(), ([source, object]) =>
      run(compiler, [...flags, "-c", source, "-o", object]),
    );
    const linked = join(work, library);
    await run(compiler, [...flags, "-shared", ...objects.values(), "-o", linked, "-lpthread", "-lm"]);
    // A process that has an older one loaded keeps it: each has a name of its own.
    renameSync(linked, join(folder, library));
    const record = {
      id,
      library,
      sources: hash,
      compiler: version,
      flags,
      sanitized: !!sanitize,
      processor: processor(),
    };
    writeFileSync(join(work, "build.json"), `${JSON.stringify(record, null, 2)}\n`);
    renameSync(join(work, "build.json"), stamp);
    for (const old of readdirSync(folder)) {
      if (old.startsWith("normless-") && old !== library) rmSync(join(folder, old), { force: true });
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
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
    const message = [error.message, error.stderr].filter(Boolean).join("\n").trim();
    if (options.values["if-possible"]) console.log(`normless-native: ${message}\nThe wasm engine computes.`);
    else {
      console.error(`normless-native: ${message}`);
      process.exitCode = 1;
    }
  }
}
