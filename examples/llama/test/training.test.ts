/** A training that was saved and loaded is the one that never stopped, and its file has the weights under their names. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AdamW } from "@normless/optim";
import { wasm } from "@normless/tensor-wasm";
import { expect, it } from "vitest";
import { readLlama } from "../src/folder.js";
import { free, load, save, update } from "../src/training.js";

const fixture = fileURLToPath(new URL("fixture", import.meta.url));

it("goes on from its file with the same bits", async () => {
  const backend = await wasm();
  const { config, weights } = await readLlama(backend, fixture);
  const ids = backend.upload(Int32Array.of(3, 1, 4, 1, 5, 9), [1, 6]);
  const never = { weights, adamw: new AdamW(backend, weights) };
  for (let step = 0; step < 3; step++) update(config, never, ids).free();

  const folder = await mkdtemp(join(tmpdir(), "llama-"));
  const path = join(folder, "training.safetensors");
  await save(path, never);
  const once = await load(backend, path);
  await expect(load(backend, join(fixture, "model.safetensors"))).rejects.toThrow(/no tensor "adamw\.step"/);
  await rm(folder, { recursive: true });
  expect(once.adamw.step).toBe(3);
  expect(Object.keys(once.weights).sort()).toEqual(Object.keys(weights).sort());

  for (const training of [never, once]) {
    for (let step = 0; step < 3; step++) update(config, training, ids).free();
  }
  for (const [name, weight] of Object.entries(weights)) {
    expect(await once.weights[name].read()).toEqual(await weight.read());
  }
  for (const training of [never, once]) free(training);
  await backend.dispose();
});
