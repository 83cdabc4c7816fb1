/** Two processes and one run folder. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lockedRun } from "../../src/run-folder/run-lock.js";
import { run, writeTiny } from "../support/tiny.js";

let folder: string;
let tiny: { model: string; recipe: string };
/** A run that was stopped after an update, and a process that lives on. */
let stopped: string;
let other: ChildProcess;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-lock-"));
  tiny = await writeTiny(folder);
  stopped = join(folder, "stopped");
  await run([...start(), "--out", stopped], "control 1/12");
  other = idle();
});
afterAll(() => {
  other.kill();
  return rm(folder, { recursive: true });
});

const start = () => ["remove", "--model", tiny.model, "--recipe", tiny.recipe, "--threads", "1"];
const idle = () => spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
const locks = async (path: string) => (await readdir(path)).filter((name) => name.startsWith("in-use"));

/** A copy of the stopped run that process `pid` of `host` is at work in. */
async function usedBy(pid: number | undefined, host = hostname()): Promise<{ path: string; lock: string }> {
  const path = join(folder, `used-by-${pid}-${host}`);
  await cp(stopped, path, { recursive: true });
  const lock = join(path, `in-use-by-${pid}@${host}`);
  await writeFile(lock, "");
  return { path, lock };
}

describe("a run folder in use", () => {
  it("is refused to resume, to begin anew and to --force, with who holds it and what to do", async () => {
    const { path, lock } = await usedBy(other.pid);
    const metrics = await readFile(join(path, "metrics.jsonl"), "utf8");
    for (const argv of [
      ["remove", "--resume", path],
      ["train", "--resume", path],
      [...start(), "--out", path],
      [...start(), "--out", path, "--force"],
    ]) {
      const { code, err } = await run(argv);
      expect(code).toBe(2);
      expect(err).toContain(`the run folder ${path} is in use by process ${other.pid}. Wait for its end`);
      expect(err).toContain(`delete ${lock}`);
    }
    expect(await readFile(join(path, "metrics.jsonl"), "utf8")).toBe(metrics);
    expect(await locks(path)).toHaveLength(1);
  });

  it("on another machine is believed, since nobody can ask there", async () => {
    const { path } = await usedBy(1, "elsewhere");
    expect((await run(["remove", "--resume", path])).err).toContain("in use by process 1 on elsewhere");
  });

  it("by a process that was killed is free", async () => {
    const gone = idle();
    gone.kill("SIGKILL");
    await once(gone, "exit");
    const { path } = await usedBy(gone.pid);
    expect((await run(["remove", "--resume", path, "--threads", "1"])).code).toBe(0);
    expect(await locks(path)).toEqual([]);
  });
});

describe("a run", () => {
  it("holds its folder while it lasts, and leaves no lock when it ends, stops or fails", async () => {
    expect(await locks(stopped)).toEqual([]);
    const path = join(folder, "fails");
    const held: string[] = [];
    const use = async () => {
      held.push(...(await locks(path)));
      throw new Error("disk full");
    };
    await expect(lockedRun(path, use, { make: true })).rejects.toThrow("disk full");
    expect(held).toEqual([`in-use-by-${process.pid}@${hostname()}`]);
    expect(await readdir(folder)).not.toContain("fails");
    expect((await run(["remove", "--resume", join(folder, "none")])).err).toContain("there is no run folder");
  });

  it("ended by a second Control-C leaves no lock", async () => {
    const before = process.listeners("exit");
    await lockedRun(stopped, async () => {
      const [drop] = process.listeners("exit").filter((listener) => !before.includes(listener));
      drop(130);
      expect(await locks(stopped)).toEqual([]);
    });
    expect(process.listeners("exit")).toEqual(before);
  });
});
