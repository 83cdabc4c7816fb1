/** The library in a process of its own: threads that do not start, and with a sanitized build what is leaked or overrun. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Build } from "../src/library.js";
import { BUILD, isBuilt } from "./built.js";

const run = promisify(execFile);

describe.runIf(isBuilt)("the engine alone", async () => {
  const build = JSON.parse(await readFile(join(BUILD, "build.json"), "utf8").catch(() => "{}")) as Build;
  let folder: string;
  let program: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "normless-engine-"));
    program = join(folder, "engine");
    const source = fileURLToPath(new URL("engine.c", import.meta.url));
    const [command, ...first] = build.from.command.split(" ");
    const flags = build.sanitized ? ["-g", "-fsanitize=address,undefined"] : [];
    const library = [join(BUILD, build.library), `-Wl,-rpath,${BUILD}`];
    // The library finds the program's pthread_create.
    await run(command, [
      ...first,
      ...flags,
      "-rdynamic",
      source,
      ...library,
      "-ldl",
      "-lpthread",
      "-o",
      program,
    ]);
  });
  afterAll(() => rm(folder, { recursive: true }));

  const ends = async (...argv: string[]) => {
    // What Node was started with would be in front of what the program brings.
    const { LD_PRELOAD: _preload, ASAN_OPTIONS: _options, ...env } = process.env;
    return run(program, argv, { env }).then(
      () => "well",
      (error: { readonly code: number; readonly stderr: string }) => `${error.code}: ${error.stderr}`,
    );
  };

  it("computes, gives all back, and is none where a thread does not start", async () => {
    expect(await ends()).toBe("well");
  });

  it.runIf(build.sanitized)("is watched: a leak and a kernel that runs over are noticed", async () => {
    expect(await ends("leak")).toMatch(/LeakSanitizer: detected memory leaks[^]*1 allocation\(s\)/);
    expect(await ends("overrun")).toMatch(/ERROR: AddressSanitizer[^]*WRITE of size/);
  });
});
