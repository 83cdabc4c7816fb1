/** Models to look into, with LayerNorms and without, and commands that run on them. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { foldModel, freezeAll, normModules } from "@normless/gpt2";
import { readModelFolder, writeModelFolder } from "@normless/gpt2/node";
import { afterAll, beforeAll, expect } from "vitest";
import { oneThread } from "../support/commands-files.js";
import { type Ran, run, tinyConfig, writeTiny } from "../support/tiny.js";

/** Folders of models, there while the tests of a file run. */
export interface LookingModels {
  folder: string;
  /** With its LayerNorms. */
  model: string;
  /** The same shape without any. */
  folded: string;
}

/** Makes them before the tests of a file, and clears them away after. */
export function lookingModels(): LookingModels {
  const place: LookingModels = { folder: "", model: "", folded: "" };
  beforeAll(async () => {
    place.folder = await mkdtemp(join(tmpdir(), "normless-looking-"));
    place.model = (await writeTiny(place.folder)).model;
    place.folded = join(place.folder, "folded");
    const loaded = await readModelFolder(place.model);
    const stds = Object.fromEntries(normModules(tinyConfig).map((name, i) => [name, 0.02 + 0.01 * i]));
    const { config, weights, norms, tokenizerFiles } = loaded;
    const folded = foldModel({ config, weights, norms: freezeAll(norms, stds) });
    await writeModelFolder(place.folded, { ...folded, tokenizerFiles });
  });
  afterAll(() => rm(place.folder, { recursive: true }));
  return place;
}

/** Runs a command that must succeed and say nothing on standard error. */
export async function result(...argv: string[]): Promise<string> {
  const { code, out, err } = await run([...argv, ...oneThread(argv[0])]);
  expect([code, err]).toEqual([0, ""]);
  return out;
}

/** What `--json -` gives: standard output is JSON and nothing else, and what a person reads is on standard error. */
export async function figures<X>(...argv: string[]): Promise<X> {
  const { code, out, err }: Ran = await run([...argv, "--json", "-", ...oneThread(argv[0])]);
  expect([code, err]).toEqual([0, err]);
  expect(err).toContain("│");
  return JSON.parse(out) as X;
}

/** What is said of a command line that is wrongly asked, with nothing on standard output. */
export async function refused(...argv: string[]): Promise<string> {
  const { code, out, err } = await run([...argv, ...oneThread(argv[0])]);
  expect([code, out, err]).toEqual([2, "", err]);
  return err;
}
