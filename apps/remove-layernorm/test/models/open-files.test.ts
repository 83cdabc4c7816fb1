/** A command has the files of its models open as long as it needs them, and none when it has ended, well or not. */
import { mkdtemp, readdir, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { normModules } from "@normless/gpt2";
import { afterAll, beforeAll, expect, it } from "vitest";
import { run, tinyConfig, writeTiny } from "../support/tiny.js";

let folder: string;
let model: string;
let recipe: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-files-"));
  ({ model, recipe } = await writeTiny(folder));
  const constants = Object.fromEntries(normModules(tinyConfig).map((name) => [name, 1]));
  await writeFile(join(folder, "norms.json"), JSON.stringify(constants));
  await writeFile(join(folder, "rows.json"), "[[65,66,67]]");
});
afterAll(() => rm(folder, { recursive: true }));

/** The weights that this process has open. */
async function openWeights(): Promise<string[]> {
  const descriptors = await readdir("/proc/self/fd");
  const targets = await Promise.all(
    descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")),
  );
  return targets.filter((target) => target.startsWith(folder) && target.endsWith(".safetensors"));
}

const at = (name: string) => join(folder, name);
const cases: [name: string, code: number, argv: () => string[]][] = [
  ["inspect", 0, () => ["inspect", "--model", model]],
  ["eval of two", 0, () => ["eval", "--model", model, model, "--tokens", "64"]],
  ["compare", 0, () => ["compare", "--model", model, model, "--tokens", "64"]],
  ["generate", 0, () => ["generate", "--model", model, "--prompt", "a", "--max-tokens", "2"]],
  ["logits", 0, () => ["logits", "--model", model, "--token-ids", at("rows.json"), "--safetensors", at("out.safetensors")]],
  ["export", 0, () => ["export", "--model", model, "--norms", at("norms.json"), "--out", at("exported")]],
  ["export of LayerNorms", 2, () => ["export", "--model", model, "--out", at("none")]],
  ["remove", 0, () => ["remove", "--model", model, "--recipe", recipe, "--out", at("run")]],
  ["remove's plan", 0, () => ["remove", "--model", model, "--recipe", recipe, "--out", at("plan"), "--dry-run"]],
  ["remove of what is gone", 2, () => ["remove", "--model", at("exported"), "--recipe", recipe, "--out", at("none")]],
  ["train", 0, () => ["train", "--model", model, "--corpus", model, "--steps", "1", "--out", at("trained")]],
  ["compare of one that is not there", 1, () => ["compare", "--model", model, at("nobody")]],
];

it.runIf(process.platform === "linux").each(cases)("%s leaves no file open", async (_, code, argv) => {
  const { err, ...ran } = await run([...argv(), "--threads", "1"]);
  expect([ran.code, err]).toEqual([code, err]);
  expect(await openWeights()).toEqual([]);
});
