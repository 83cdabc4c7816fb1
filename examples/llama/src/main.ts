/** `npm start [-- FOLDER]` in this folder: learns a row of ids by heart, then says it from its first two. */
import { argmax, evaluate, slice, valueAndGrad } from "@normless/autograd";
import { AdamW } from "@normless/optim";
import { wasm } from "@normless/tensor-wasm";
import { readLlama } from "./folder.js";
import { logits, loss } from "./llama.js";

const backend = await wasm();
const { config, weights } = await readLlama(backend, process.argv[2] ?? "test/fixture");
const row = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9];

const ids = backend.upload(Int32Array.from(row), [1, row.length]);
const adamw = new AdamW(backend, weights);
for (let step = 1; step <= 50; step++) {
  const { value, grads } = valueAndGrad((weights) => loss(config, weights, ids), weights);
  adamw.update(grads, { learningRate: 0.01, maxNorm: 1 }).free();
  for (const grad of Object.values(grads)) grad.free();
  if (step === 1 || step % 10 === 0)
    console.log(`update ${step}: loss ${(await value.item()).toFixed(4)} nats`);
  value.free();
}

const said = row.slice(0, 2);
while (said.length < row.length) {
  const sofar = backend.upload(Int32Array.from(said), [1, said.length]);
  const next = evaluate(
    (weights) => argmax(slice(logits(config, weights, sofar), 1, { start: -1 })),
    weights,
  );
  said.push(await next.item());
  for (const tensor of [sofar, next]) tensor.free();
}
console.log(`learnt: ${row.join(" ")}\nsaid:   ${said.join(" ")}`);
await backend.dispose();
