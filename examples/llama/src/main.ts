/** `npm start [-- FOLDER]` in this folder: learns a row of ids by heart, half of it after a stop, then says it from its first two. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { argmax, evaluate, slice } from "@normless/autograd";
import { AdamW } from "@normless/optim";
import { wasm } from "@normless/tensor-wasm";
import { readLlama } from "./folder.js";
import { logits } from "./llama.js";
import { free, load, save, type Training, update } from "./training.js";

const backend = await wasm();
const { config, weights } = await readLlama(backend, process.argv[2] ?? "test/fixture");
const row = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9];
const ids = backend.upload(Int32Array.from(row), [1, row.length]);

async function train(training: Training, until: number): Promise<void> {
  while (training.adamw.step < until) {
    using value = update(config, training, ids);
    const { step } = training.adamw;
    if (step === 1 || step % 10 === 0)
      console.log(`update ${step}: loss ${(await value.item()).toFixed(4)} nats`);
  }
}

const begun = { weights, adamw: new AdamW(backend, weights) };
await train(begun, 25);
const folder = await mkdtemp(join(tmpdir(), "llama-"));
const path = join(folder, "training.safetensors");
await save(path, begun);
free(begun);

const training = await load(backend, path);
await rm(folder, { recursive: true });
console.log(`saved, forgotten, and loaded after update ${training.adamw.step}`);
await train(training, 50);

const said = row.slice(0, 2);
while (said.length < row.length) {
  const sofar = backend.upload(Int32Array.from(said), [1, said.length]);
  const next = evaluate(
    (weights) => argmax(slice(logits(config, weights, sofar), 1, { start: -1 })),
    training.weights,
  );
  said.push(await next.item());
  for (const tensor of [sofar, next]) tensor.free();
}
console.log(`learnt: ${row.join(" ")}\nsaid:   ${said.join(" ")}`);
await backend.dispose();
