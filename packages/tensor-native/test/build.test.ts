/** Building, of a package with little in it; and loading what was built of this one, as other machines or disks leave it. */
import { execFile } from "node:child_process";
import {
  appendFile,
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { fileHash, oneForm } from "../scripts/made-of.js";
import { native, type NativeBackend } from "../src/index.js";
import { type Build, prototypes } from "../src/library.js";
import { BUILD, isBuilt } from "./built.js";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}
const execute = (command: string, argv: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> =>
  new Promise((resolve) => {
    execFile(command, argv, { env: { ...process.env, ...env } }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err });
    });
  });

const hasCompiler = (await execute("sh", ["-c", "cc --version"])).code === 0;
if (!hasCompiler) console.warn("LEFT OUT: tests of native builds: there is no cc");

let root: string;
let copy: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "normless native "));
  copy = join(root, "a package");
  const native = ["engine.c", "engine.h", "memory.c", "vector.h"].map((name) => `native/${name}`);
  for (const part of [...native, "scripts", "package.json"]) {
    await cp(join(PACKAGE, part), join(copy, part), { recursive: true });
  }
});
afterAll(() => rm(root, { recursive: true }));

const script = () => join(copy, "scripts/build.js");
const build = (argv: readonly string[] = [], env: NodeJS.ProcessEnv = {}) =>
  execute(process.execPath, [script(), "build", ...argv], env);
const folder = () => join(copy, "build");
const stamp = async (of = folder()) => JSON.parse(await readFile(join(of, "build.json"), "utf8")) as Build;
/** That a build is there, whole and alone. */
async function expectWhole(): Promise<void> {
  const { id, library } = await stamp();
  expect(fileHash(join(folder(), library))).toBe(id);
  expect((await readdir(folder())).sort()).toEqual(["build.json", library].sort());
}

/** A compiler that answers, and then does what a line of shell says. */
async function compiler(name: string, then: string): Promise<string> {
  const path = join(root, name);
  await writeFile(path, `#!/bin/sh\ncase "$*" in *--version*) echo "${name} 1.0"; exit 0;; esac\n${then}\n`);
  await chmod(path, 0o755);
  return path;
}

describe("what is asked", () => {
  it.each([
    [[], 2, /the command is build\nUsage: /],
    [["make"], 2, /the command is build/],
    [["build", "--fast"], 2, /Unknown option '--fast'/],
  ])("%j is refused with the usage", async (argv, code, message) => {
    const ran = await execute(process.execPath, [script(), ...argv]);
    expect(ran).toEqual({ code, out: "", err: expect.stringMatching(message) as string });
  });
});

describe("without a compiler", () => {
  const nothing = async () => {
    const empty = join(root, "empty");
    await mkdir(empty, { recursive: true });
    return { PATH: empty, CC: "" };
  };

  it("says what to install, and with --if-possible in one line what computes", async () => {
    expect(await build([], await nothing())).toEqual({
      code: 1,
      out: "",
      err: expect.stringMatching(
        /^normless-native: not built: there is no C compiler \(tried cc, gcc, clang; .*apt install gcc.*\n$/,
      ) as string,
    });
    const { code, out, err } = await build(["--if-possible"], await nothing());
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^normless-native: not built, wasm computes: there is no C compiler .*\n$/);
    const named = await build([], { CC: "/no/such/compiler -O1" });
    expect(named.err).toContain("(tried /no/such/compiler -O1; ");
  });

  it("and without a build there is no engine", async () => {
    await expect(native({ folder: join(root, "nowhere") })).rejects.toThrow(
      /^native: it is not built\. With a C compiler, in a few seconds: npm run build:native .* npx normless-native build$/,
    );
  });
});

describe.runIf(hasCompiler)("a build", () => {
  beforeEach(async () => {
    await rm(folder(), { recursive: true, force: true });
  });

  it("is made once, of whatever path", async () => {
    expect(await build()).toEqual({
      code: 0,
      out: expect.stringMatching(/^normless-native: .+: built in \d+\.\d s\n$/) as string,
      err: "",
    });
    await expectWhole();
    expect((await build()).out).toMatch(/: built already\n$/);
  });

  it("is made again when a source has changed, and takes the place of the one before", async () => {
    await build();
    const before = await stamp();
    const source = join(copy, "native/memory.c");
    const text = await readFile(source);
    await appendFile(source, "\nEXPORT int one_more(int n) { return n; }\n");
    expect((await build()).out).toMatch(/: built in/);
    await expectWhole();
    expect((await stamp()).id).not.toBe(before.id);
    expect((await stamp()).functions).toContain("int one_more(int n)");
    await writeFile(source, text);
    await build();
    expect((await stamp()).id).toBe(before.id);
  });

  it("is made with the compiler of CC, which may have arguments or a space in its name", async () => {
    expect((await build([], { CC: "env cc -DNOTHING" })).code).toBe(0);
    expect(await stamp()).toMatchObject({ from: { command: "env cc -DNOTHING" } });
    expect((await build()).out).toMatch(/: built in/);
    expect((await build([], { CC: await compiler("a compiler", 'exec cc "$@"') })).out).toMatch(
      /^normless-native: a compiler 1\.0: built in/,
    );
  });

  it("that fails has the compiler's message, and leaves the one before it", async () => {
    await build();
    const before = await stamp();
    const CC = await compiler(
      "broken",
      'case "$*" in *-shared*) echo "ld: no space left" >&2; exit 1;; esac; exec cc "$@"',
    );
    const { code, out, err } = await build([], { CC });
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(
      /^normless-native: not built: Command failed: .*broken .*-shared[^]*\nld: no space left\n$/,
    );
    const possible = await build(["--if-possible"], { CC });
    expect([possible.code, possible.err]).toEqual([0, ""]);
    expect(possible.out).toMatch(
      /^normless-native: not built, wasm computes: Command failed: [^]*\nld: no space left\n$/,
    );
    expect(await stamp()).toEqual(before);
    await expectWhole();
  });

  it("is made where one is damaged, was stopped half way, or is for another processor", async () => {
    await build();
    const made = await stamp();
    const library = join(folder(), made.library);
    const record = (text: string) => writeFile(join(folder(), "build.json"), text);
    const { from } = made;
    const other = { ...made, from: { ...from, processor: { ...from.processor, arch: "pdp11" } } };
    for (const harm of [
      () => truncate(library, 5000),
      () => rm(library),
      () => record('{"id": "'),
      () => record(JSON.stringify(other)),
    ]) {
      await harm();
      expect((await build()).out).toMatch(/: built in/);
      await expectWhole();
    }
    const abandoned = join(folder(), "making-abc");
    await mkdir(abandoned);
    await utimes(abandoned, 0, 0);
    await truncate(library, 5000);
    await build();
    await expectWhole();
  });

  it("is whole when several are made at once", async () => {
    const CC = await compiler("other", 'exec cc "$@"');
    const made = await Promise.all([build(), build(), build([], { CC })]);
    expect(made).toMatchObject([{ code: 0 }, { code: 0 }, { code: 0 }]);
    const { id, library } = await stamp();
    expect(fileHash(join(folder(), library))).toBe(id);
  });

  it("says so where it cannot be written", async () => {
    await writeFile(folder(), "");
    const { code, err } = await build();
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/^normless-native: not built: EEXIST.*a package\/build'\n$/),
    ]);
  });
});

describe.runIf(isBuilt)("what is loaded", () => {
  /** Loads a copy of the build, of which `change` has made something else. */
  let copies = 0;
  async function load(
    change: (build: Build, folder: string) => unknown = () => undefined,
  ): Promise<NativeBackend> {
    const other = join(root, `build ${++copies}`);
    await cp(BUILD, other, { recursive: true });
    await change(await stamp(other), other);
    return native({ threads: 1, folder: other });
  }
  const record = (fields: (build: Build) => object) => (build: Build, folder: string) =>
    writeFile(join(folder, "build.json"), JSON.stringify({ ...build, ...fields(build) }));
  const from = (fields: (from: Build["from"]) => object) =>
    record((build) => ({ from: { ...build.from, ...fields(build.from) } }));

  it("is the build, by its name", async () => {
    const backend = await load();
    const { id } = await stamp(BUILD);
    expect([backend.name, backend.build]).toEqual(["native", id]);
    expect(backend.description).toMatch(new RegExp(`^native, build ${id} by .+, 1 thread$`));
    await backend.dispose();
  });

  it("is of these sources", async () => {
    const message =
      /^native: what was built is of another version of its sources\. Build it again: npm run build:native/;
    await expect(load(from(() => ({ sources: "0123" })))).rejects.toThrow(message);
    // As an older version of ours would have written it.
    await expect(load(record(() => ({ from: undefined })))).rejects.toThrow(message);
  });

  it("is for this processor", async () => {
    const processor = (fields: (processor: Build["from"]["processor"]) => object) =>
      from(({ processor }) => ({ processor: { ...processor, ...fields(processor) } }));
    await expect(load(processor(({ has }) => ({ has: [...has, "avx9000"] })))).rejects.toThrow(
      /^native: it was built for another processor \(this one lacks avx9000\)\. Build it again: /,
    );
    await expect(load(processor(() => ({ arch: "pdp11" })))).rejects.toThrow(/\(pdp11, and this is /);
  });

  it("is what was written, to the byte", async () => {
    const library = (build: Build, folder: string) => join(folder, build.library);
    const message = /^native: the library in .* is damaged\. Build it again: /;
    await expect(load((build, folder) => truncate(library(build, folder), 5000))).rejects.toThrow(message);
    await expect(load((build, folder) => appendFile(library(build, folder), " "))).rejects.toThrow(message);
    await expect(load((build, folder) => rm(library(build, folder)))).rejects.toThrow(message);
    const json = (_: Build, folder: string) => writeFile(join(folder, "build.json"), '{"id": "');
    await expect(load(json)).rejects.toThrow(/^native: .*build\.json is damaged \(.*\)\. Build it again: /);
    // Its name for what is no library at all.
    const text = async (build: Build, folder: string) => {
      await writeFile(library(build, folder), "no library");
      await record(() => ({ id: fileHash(library(build, folder)) }))(build, folder);
    };
    await expect(load(text)).rejects.toThrow(/^native: .*(invalid|not|too short).*\. Build it again: /);
  });

  it("has what is called, or that is not called", async () => {
    const without = record(({ functions }) => ({
      functions: functions.filter((prototype) => !prototype.includes("engine_start(")),
    }));
    await expect(load(without)).rejects.toThrow(
      /has no engine \*engine_start\(int threads\): .* two versions/,
    );
  });

  it("exports each function that is declared, by the very prototype", async () => {
    const { functions } = await stamp(BUILD);
    expect(prototypes.length).toBeGreaterThan(10);
    const declared = prototypes.map(({ declaration }) => oneForm(declaration));
    expect(declared.filter((prototype) => !functions.includes(prototype))).toEqual([]);
  });
});
