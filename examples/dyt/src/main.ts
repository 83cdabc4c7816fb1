/** `npm start` in this folder: trains, and says what became of loss and alphas. */
import { normModules } from "@normless/gpt2";
import { wasm } from "@normless/tensor-wasm";
import { config, initialize, train } from "./gpt2.js";

const backend = await wasm();
const params = await initialize(backend, 1);
const losses = await train(params, { steps: 200, rows: 8, seed: 2 });
for (let step = 0; step < losses.length; step += 50) {
  console.log(`update ${step + 1}: loss ${losses[step].toFixed(4)} nats a token`);
}
console.log(`update ${losses.length}: loss ${losses[losses.length - 1].toFixed(4)} nats a token`);
for (const module of normModules(config)) {
  console.log(`${module}: alpha ${(await params[`${module}.alpha`].item()).toFixed(3)}`);
}
await backend.dispose();
