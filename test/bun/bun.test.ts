/** Bun, whose JavaScriptCore takes relaxed SIMD and does not fuse: each build has the bits that it has in Node. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const script = fileURLToPath(new URL("bits.js", import.meta.url));

async function bits(command: readonly string[], simd: string): Promise<{ simd: string; bits: string }> {
  const [file, ...words] = [...command, script, simd];
  const { stdout } = await promisify(execFile)(file, words);
  return JSON.parse(stdout) as { simd: string; bits: string };
}

const bun = ["npx", "--yes", "bun@1.4.5"];

it("computes what Node computes in the build that fuses nothing, and takes that one by itself", async () => {
  const plain = await bits([process.execPath], "plain");
  expect(await bits(bun, "plain")).toEqual(plain);
  expect(await bits(bun, "auto")).toEqual(plain);
});

it("is told that relaxed SIMD would be no other", async () => {
  await expect(bits(bun, "relaxed")).rejects.toThrow(/relaxed SIMD rounds twice in this engine/);
});
