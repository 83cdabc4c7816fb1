/** What a killed process was writing: whose it is, when it goes, and that nobody else's does. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import {
  isTemporary,
  removeTemporaries,
  writeFileAtomic,
  writeFolderAtomic,
} from "@normless/safetensors/node";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

let folder: string;
let path: string;
/** A process that lives, and the number of one that was killed. */
let other: ChildProcess;
let killed: number;
beforeAll(async () => {
  other = idle();
  const gone = idle();
  killed = gone.pid!;
  gone.kill("SIGKILL");
  await once(gone, "exit");
});
afterAll(() => other.kill());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-temporary-"));
  path = join(folder, "a.bin");
});
afterEach(() => rm(folder, { recursive: true }));

const idle = () => spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
const HERE = encodeURIComponent(hostname());
const left = (name: string, by: string) => `${name}.0.${by}.tmp`;
const text = (value: string) => [new TextEncoder().encode(value)];
const names = async () => (await readdir(folder)).sort();

describe("what is under way", () => {
  it("stands beside its place, with the process's name in its own", async () => {
    const seen: string[] = [];
    async function* chunks() {
      seen.push(...(await names()));
      yield* text("a");
    }
    await writeFileAtomic(path, chunks());
    expect(seen).toEqual([expect.stringMatching(/^a\.bin\.\d+\.\d+@.+\.tmp$/)]);
    expect(isTemporary(seen[0])).toBe(true);
    expect(seen[0]).toContain(`.${process.pid}@${HERE}.`);
    expect(await names()).toEqual(["a.bin"]);
  });

  it("stays while it is, whoever clears the folder or writes the same", async () => {
    async function* chunks() {
      await removeTemporaries(folder);
      await writeFileAtomic(path, text("the other's"));
      yield* text("mine");
    }
    await writeFileAtomic(path, chunks());
    expect(await readFile(path, "utf8")).toBe("mine");
    expect(await names()).toEqual(["a.bin"]);
  });

  it.each(["a.bin", "a.tmp", "a.0.tmp", "in-use-by-3@x", "a.bin.0.3@x.incomplete", ".0.3@x.tmp"])(
    "is nothing called %s",
    (name) => expect(isTemporary(name)).toBe(false),
  );
});

describe("what was left", () => {
  it("by a killed process goes with the next writing of the same, and by no other", async () => {
    const stay = [
      left("a.bin", `${other.pid}@${HERE}`),
      left("a.bin", "1@elsewhere"),
      left("b.bin", `${killed}@${HERE}`),
    ];
    const goes = [left("a.bin", `${killed}@${HERE}`), left("a.bin", `${process.pid}@${HERE}`)];
    for (const name of [...stay, ...goes]) await writeFile(join(folder, name), "half");
    await writeFileAtomic(path, text("a"));
    expect(await names()).toEqual(["a.bin", ...stay].sort());
  });

  it("goes where the folder is one's own, on other machines too, but for what a process here is writing", async () => {
    const stay = [left("a.bin", `${other.pid}@${HERE}`), "notes.tmp"];
    for (const name of [...stay, left("a.bin", `${killed}@${HERE}`), left("a.bin", "1@elsewhere")]) {
      await writeFile(join(folder, name), "half");
    }
    await mkdir(join(folder, left("model", "1@elsewhere")));
    await writeFile(join(folder, left("model", "1@elsewhere"), "config.json"), "");
    await removeTemporaries(folder);
    expect(await names()).toEqual(stay.sort());
    await removeTemporaries(join(folder, "nothing"));
  });
});

describe("writeFolderAtomic", () => {
  const fill = async (inside: string) => {
    for (const name of ["config.json", "weights"]) await writeFile(join(inside, name), "new");
  };
  const contents = async () =>
    Promise.all(
      (await readdir(path)).sort().map(async (name) => `${name} ${await readFile(join(path, name), "utf8")}`),
    );

  it("shows a new folder when it is whole, and makes those above it", async () => {
    const deep = join(folder, "x", "y", "model");
    const seen = await writeFolderAtomic(deep, async (inside) => {
      await fill(inside);
      return readdir(join(folder, "x", "y"));
    });
    expect(seen).toEqual([expect.stringMatching(/^model\.\d+\.\d+@.+\.tmp$/)]);
    expect((await readdir(deep)).sort()).toEqual(["config.json", "weights"]);
    expect(await readdir(join(folder, "x", "y"))).toEqual(["model"]);
  });

  it("writes over a folder file by file, and takes away what is named", async () => {
    await mkdir(path);
    for (const name of ["config.json", "weights-1", "notes"]) await writeFile(join(path, name), "old");
    await writeFolderAtomic(path, fill, { last: "config.json", goes: (name) => name.startsWith("weights") });
    expect(await contents()).toEqual(["config.json new", "notes old", "weights new"]);
    expect(await names()).toEqual(["a.bin"]);
  });

  it("leaves what was there where filling fails, and nothing where nothing was", async () => {
    const fail = async (inside: string) => {
      await fill(inside);
      throw new Error("no more paper");
    };
    await expect(writeFolderAtomic(path, fail)).rejects.toThrow("no more paper");
    expect(await names()).toEqual([]);
    await mkdir(path);
    await writeFile(join(path, "config.json"), "old");
    await expect(writeFolderAtomic(path, fail)).rejects.toThrow("no more paper");
    expect(await contents()).toEqual(["config.json old"]);
    expect(await names()).toEqual(["a.bin"]);
  });

  it("goes through a link to the folder that it leads to", async () => {
    const { symlink } = await import("node:fs/promises");
    const real = join(folder, "real");
    await mkdir(real);
    await symlink(real, path);
    await writeFolderAtomic(path, fill);
    expect(await contents()).toEqual(["config.json new", "weights new"]);
    expect((await readdir(real)).sort()).toEqual(["config.json", "weights"]);
  });
});
