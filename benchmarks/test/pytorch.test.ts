import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { startPyTorchForms } from "../src/peers/pytorch.js";

afterEach(() => vi.unstubAllEnvs());

/** Stands in for a Python: starts in the forms that it has, and says of others that they are not there. */
const stub = (forms: readonly string[]) => `#!${process.execPath}
  require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
    const { form } = JSON.parse(line);
    const there = ${JSON.stringify(forms)}.includes(form);
    console.log(JSON.stringify(there ? { description: "PyTorch" } : { error: "no g++" }));
  });`;

async function started(forms: readonly string[]) {
  const folder = await mkdtemp(join(tmpdir(), "normless-pytorch-"));
  const said: string[] = [];
  try {
    const python = join(folder, "python");
    await writeFile(python, stub(forms), { mode: 0o755 });
    vi.stubEnv("PYTHON", python);
    const pytorch = await startPyTorchForms({ threads: 1, say: (text) => said.push(text) });
    for (const { process } of pytorch) await process.end();
    return { forms: pytorch.map(({ form }) => form), said };
  } finally {
    await rm(folder, { recursive: true });
  }
}

it("starts PyTorch in both forms", async () => {
  expect(await started(["eager", "compiled"])).toEqual({ forms: ["eager", "compiled"], said: [] });
});

it("says aloud why it cannot compile, and goes on with eager alone", async () => {
  expect(await started(["eager"])).toEqual({
    forms: ["eager"],
    said: ["LEFT OUT: pytorch compiled, so that eager counts: pytorch compiled: no g++"],
  });
});

it("fails where it cannot start at all", async () => {
  await expect(started([])).rejects.toThrow("pytorch eager: no g++");
});
