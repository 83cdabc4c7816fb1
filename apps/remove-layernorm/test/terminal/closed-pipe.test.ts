/** The command as a process of its own, whose reader has seen enough. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildCommand, type BuiltCommand } from "../support/built.js";
import { writeTiny } from "../support/tiny.js";

let folder: string;
let tiny: { model: string; recipe: string };
let built: BuiltCommand;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-pipe-"));
  tiny = await writeTiny(folder);
  built = await buildCommand();
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await built.remove();
});

/** Runs it with nobody at the other end of its pipes; the exit code. */
function unread(...argv: string[]): Promise<number | null> {
  const child = spawn(process.execPath, [built.command, ...argv, "--threads", "1"]);
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
