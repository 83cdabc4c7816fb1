/** The command as a process of its own, whose reader has seen enough. */
import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeTiny } from "./tiny.js";

const source = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

let folder: string;
let tiny: { model: string; recipe: string };
/** bin/normless.js beside a build of today's sources, where Node finds the npm packages. */
let built: string;
let command: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-pipe-"));
  tiny = await writeTiny(folder);
  await mkdir(source("node_modules"), { recursive: true });
  built = await mkdtemp(source("node_modules/.closed-pipe-"));
  await build({
    entryPoints: [source("src/cli/main.ts")],
    outfile: join(built, "dist/cli.js"),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "es2022",
    conditions: ["@normless/source"],
    plugins: [
      {
        name: "npm packages stay imports",
        setup: (bundler) =>
          bundler.onResolve({ filter: /^[^./]/ }, ({ path }) =>
            path.startsWith("@normless/") ? undefined : { path, external: true },
          ),
      },
    ],
    logLevel: "silent",
  });
  command = join(built, "bin/normless.js");
  await cp(source("bin/normless.js"), command);
  await writeFile(join(built, "package.json"), '{"type": "module"}');
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await rm(built, { recursive: true });
});

/** Runs it with nobody at the other end of its pipes; the exit code. */
function unread(...argv: string[]): Promise<number | null> {
  const child = spawn(process.execPath, [command, ...argv, "--threads", "1"]);
  child.stdout.destroy();
  child.stderr.destroy();
  return new Promise((resolve) => child.on("close", resolve));
}

it("finishes a run that nobody looks at any more", async () => {
  const out = join(folder, "run");
  const argv = ["remove", "--model", tiny.model, "--recipe", tiny.recipe, "--out", out];
  expect(await unread(...argv)).toBe(0);
  expect(existsSync(join(out, "summary.json"))).toBe(true);
});

it("writes the files of results that nobody reads", async () => {
  const json = join(folder, "eval.json");
  expect(await unread("eval", "--model", tiny.model, "--json", json)).toBe(0);
  expect(existsSync(json)).toBe(true);
});

it("generates no further than somebody reads", async () => {
  // So many tokens would take minutes.
  const argv = ["generate", "--model", tiny.model, "--prompt", "a", "--max-tokens", "10000000"];
  expect(await unread(...argv)).toBe(0);
});
