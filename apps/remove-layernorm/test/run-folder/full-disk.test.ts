/** A disk that is full from some moment on: what was saved before stays whole, and the message says how to go on. */
import type * as Fs from "node:fs/promises";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { metricsOf, run, writeTiny } from "../support/tiny.js";

/** Files whose path has this in it cannot be written; lines can be appended thirty times. */
const disk = vi.hoisted(() => ({ fullFor: undefined as string | undefined, lines: 0 }));

vi.mock("node:fs/promises", async (original) => {
  const fs = await original<typeof Fs>();
  const full = () => Promise.reject(Object.assign(new Error("ENOSPC: no space left"), { code: "ENOSPC" }));
  const isFull = (path: unknown) => disk.fullFor !== undefined && String(path).includes(disk.fullFor);
  const open: typeof fs.open = async (path, ...rest) => {
    const file = await fs.open(path, ...rest);
    if (isFull(path)) file.write = full;
    return file;
  };
  const appendFile: typeof fs.appendFile = (path, ...rest) =>
    isFull(path) && ++disk.lines > 30 ? full() : fs.appendFile(path, ...rest);
  return { ...fs, default: fs, open, appendFile };
});

let folder: string;
let tiny: { model: string; recipe: string };
/** The metrics of a run on a disk that has room. */
let whole: unknown[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-full-"));
  tiny = await writeTiny(folder);
  const out = join(folder, "whole");
  await run(["remove", "--model", tiny.model, "--recipe", tiny.recipe, "--out", out]);
  whole = await metricsOf(out);
});
afterAll(() => rm(folder, { recursive: true }));

it.each(["step-00000017.msgpack", "ln-free", "summary.json", "metrics.jsonl"])(
  "loses nothing when the disk is full while %s is written",
  async (file) => {
    const out = join(folder, `full-at-${file}`);
    disk.fullFor = join(out, file.startsWith("step") ? join("checkpoints", file) : file);
    const { code, err } = await run([
      ...["remove", "--model", tiny.model, "--recipe", tiny.recipe, "--threads", "1", "--out", out],
    ]);
    expect(code).toBe(1);
    expect(err).toContain(disk.fullFor);
    expect(err).toMatch(/ENOSPC.*free some space/i);
    expect(err).toContain(`npx normless remove --resume ${out}`);
    expect((await readdir(out)).filter((name) => name.includes("tmp"))).toEqual([]);

    disk.fullFor = undefined;
    expect((await run(["remove", "--resume", out])).code).toBe(0);
    expect(await metricsOf(out)).toEqual(whole);
  },
);
