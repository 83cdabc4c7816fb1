/** Processes that download one model into one cache at the same time. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { buildCommand, type BuiltCommand } from "../../support/built.js";
import { hubFolder, type HubFolder, inspect, NAME, WEIGHTS } from "./hub-folder.js";

let built: BuiltCommand;
beforeAll(async () => {
  built = await buildCommand();
});
afterAll(() => built.remove());

let test: HubFolder;
beforeEach(async () => {
  test = await hubFolder();
});
afterEach(() => test.remove());

const start = () =>
  spawn(process.execPath, [built.command, "inspect", "--model", NAME, "--threads", "1"], {
    stdio: ["ignore", "pipe", "pipe"],
  });

async function ended(child: ChildProcess): Promise<{ code: number | null; text: string }> {
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (data: Buffer) => (text += data.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, text };
}

/** Holds the weights back until so many ask for them: then all of them download. */
function allAtOnce(count: number): void {
  const waiting: ServerResponse[] = [];
  test.hub.instead = (path, _request, response) => {
    if (!path.endsWith(WEIGHTS)) return false;
    waiting.push(response);
    if (waiting.length < count) return true;
    for (const one of waiting.splice(0)) one.writeHead(200).end(test.files[WEIGHTS]);
    return true;
  };
}

it.each([2, 6])("%i at once all succeed, with a right blob and no part left", async (count) => {
  allAtOnce(count);
  const all = await Promise.all(Array.from({ length: count }, () => ended(start())));
  for (const { code, text } of all) {
    expect(text).toContain("Of 7 norms 7 are LayerNorms");
    expect(code).toBe(0);
  }
  const names = ["config.json", "merges.txt", WEIGHTS, "vocab.json"];
  expect(
    await readdir(join(test.home, "snapshots", (await readdir(join(test.home, "snapshots")))[0])),
  ).toEqual(names);
  for (const name of names) expect(await readFile(test.blobOf(name))).toEqual(test.files[name]);
  expect(await readdir(join(test.home, "blobs"))).toHaveLength(names.length);
});

it("one of them goes on with what one that was killed left", async () => {
  test.hub.breaks.set(WEIGHTS, []);
  const ranges: (string | undefined)[] = [];
  test.hub.instead = (path, { headers }, response) => {
    if (!path.endsWith(WEIGHTS)) return false;
    ranges.push(headers.range);
    if (ranges.length > 1) return false;
    response.writeHead(200).write(test.files[WEIGHTS].subarray(0, 600));
    return true;
  };
  const first = start();
  const exit = ended(first);
  const partOf = async () => {
    const names = await readdir(join(test.home, "blobs")).catch(() => []);
    const part = names.find(
      (name) => name.endsWith(".incomplete") && test.blobOf(WEIGHTS).endsWith(name.split(".")[0]),
    );
    return part === undefined ? 0 : (await readFile(join(test.home, "blobs", part))).length;
  };
  while ((await partOf()) < 600) await new Promise((resolve) => setTimeout(resolve, 20));
  first.kill("SIGKILL");
  await exit;
  const both = await Promise.all([ended(start()), inspect()]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  expect(ranges.filter((range) => range === `bytes=600-${test.files[WEIGHTS].length - 1}`)).toHaveLength(1);
  expect(await readFile(test.blobOf(WEIGHTS))).toEqual(test.files[WEIGHTS]);
  expect((await readdir(join(test.home, "blobs"))).filter((name) => name.endsWith("incomplete"))).toEqual([]);
});
