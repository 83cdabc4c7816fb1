/** What transformers said of test/fixture (test/peers/llama_models.py writes it) is what ours says. */
import { fileURLToPath } from "node:url";
import { openStore } from "@normless/safetensors";
import { openFile } from "@normless/safetensors/node";
import { reference } from "@normless/tensor";
import { expectClose } from "@normless/tensor/testing";
import { wasm } from "@normless/tensor-wasm";
import { expect, it } from "vitest";
import { outcome } from "./outcome.js";

const folder = fileURLToPath(new URL("fixture", import.meta.url));

it.each([
  { name: "reference", make: () => Promise.resolve(reference()) },
  { name: "wasm", make: () => wasm() },
])("gives transformers' logits, loss, gradients and update on $name", async ({ make }) => {
  const backend = await make();
  const file = await openFile(`${folder}/expected.safetensors`);
  const expected = await openStore([file]);
  const found = await outcome(backend, folder);
  expect(found.map(({ name }) => name).sort()).toEqual([...expected.names()].sort());
  for (const { name, shape, data } of found) {
    expect(shape).toEqual(expected.info(name).shape);
    expectClose(name, data as Float32Array, await expected.readFloat32(name), 1e-5);
  }
  await file.close();
  await backend.dispose();
});
