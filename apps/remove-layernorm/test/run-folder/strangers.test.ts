/** Run folders that somebody else made, or that lie where no folder can. */
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode } from "@msgpack/msgpack";
import { inMemory } from "@normless/data";
import { FormatError } from "@normless/text";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeCheckpoint, trainKind } from "../../src/run-folder/checkpoint.js";
import { boundedMessages } from "../../src/run-folder/msgpack-bounds.js";
import { run, writeTiny } from "../support/tiny.js";

let folder: string;
let tiny: { model: string; recipe: string };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "normless-strangers-"));
  tiny = await writeTiny(folder);
});
afterAll(() => rm(folder, { recursive: true }));

const remove = (...more: string[]) =>
  run(["remove", "--model", tiny.model, "--recipe", tiny.recipe, "--threads", "1", ...more]);

describe("--out", () => {
  it("in a place that has no folders is refused, and not tried for ever", async () => {
    for (const out of ["/proc/normless", "/proc/normless/run"]) {
      const { code, err } = await remove("--out", out);
      expect(code).not.toBe(0);
      expect(err).toMatch(/^normless: \/proc\/normless.*: the folder cannot be made; /m);
    }
  });

  it("with a file of no process's name is no folder in use", async () => {
    const out = join(folder, "locked");
    await mkdir(out);
    await writeFile(join(out, "in-use-by-12@%zz"), "");
    const { code, err } = await remove("--out", out);
    expect(code).toBe(2);
    expect(err).toContain(`the run folder ${out} exists and is not empty`);
    expect(await readdir(out)).toEqual(["in-use-by-12@%zz"]);
  });
});

describe("--resume", () => {
  it("of a folder whose files are links or pipes is refused, and nothing is written where they lead", async () => {
    const out = join(folder, "linked");
    await mkdir(join(out, "checkpoints"), { recursive: true });
    await writeFile(join(out, "config.json"), "{}");
    const mine = join(folder, "mine");
    await writeFile(mine, "mine\n");
    await symlink(mine, join(out, "metrics.jsonl"));
    expect((await run(["remove", "--resume", out])).code).not.toBe(0);
    expect(await readFile(mine, "utf8")).toBe("mine\n");
    await rm(join(out, "config.json"));
    execFileSync("mkfifo", [join(out, "config.json")]);
    const { code, err } = await run(["remove", "--resume", out]);
    expect(code).not.toBe(0);
    expect(err).toMatch(/is no ordinary file|is a link/);
  });
});

/** A checkpoint's bytes: anything, and the hash that makes them whole. */
const signed = (body: Uint8Array) =>
  inMemory(Buffer.concat([body, encode({ sha256: createHash("sha256").update(body).digest() })]));
const decoded = (...bytes: number[]) => decodeCheckpoint(trainKind, signed(Uint8Array.from(bytes)));
const pass = async (bytes: Uint8Array, cut: number) => {
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += cut) yield await Promise.resolve(bytes.subarray(at, at + cut));
  }
  const all: Uint8Array[] = [];
  for await (const chunk of boundedMessages(chunks(), bytes.length)) all.push(chunk);
  return Buffer.concat(all);
};

describe("a checkpoint", () => {
  it("of thousands of lists inside of each other is refused", async () => {
    await expect(decoded(...new Uint8Array(20_000).fill(0x91), 0xc0)).rejects.toThrow(
      "it has more than 127 lists and maps inside of each other, at byte 128",
    );
  });

  it("that announces more than its bytes hold is refused before memory is taken", async () => {
    const million = [0xdd, 0, 0x0f, 0x42, 0x40];
    await expect(decoded(...Array.from({ length: 100 }, () => million).flat())).rejects.toThrow(
      "at byte 5 it announces 1000000 values or bytes, and 495 bytes follow",
    );
    for (const code of [0xc6, 0xdb, 0xc9]) {
      await expect(decoded(code, 0xff, 0xff, 0xff, 0xff, 1)).rejects.toThrow(FormatError);
    }
  });

  it("is passed on as it is where it is MessagePack, however it is cut", async () => {
    const value = fc.jsonValue({ maxDepth: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(value), fc.integer({ min: 1, max: 50 }), async (values, cut) => {
        const bytes = Buffer.concat(
          values.map((one) => encode([one, new Uint8Array(3), "x".repeat(40), 1e300, -7])),
        );
        expect(await pass(bytes, cut)).toEqual(bytes);
      }),
    );
  });
});
