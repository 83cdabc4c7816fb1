/** `npm start` in this folder: trains, and says what it came to. */
import { wasm } from "@normless/tensor-wasm";
import { accuracy, initialize, moons, train } from "./mlp.js";

const backend = await wasm();
const [known, unseen] = [moons(backend, 500, 1), moons(backend, 500, 2)];
const params = initialize(backend, 3);
const report = (step: number, loss: number) => {
  console.log(`update ${step}: loss ${loss.toFixed(4)} nats`);
};
await train(params, known, { steps: 300, report });
console.log(`unseen points told right: ${(100 * (await accuracy(params, unseen))).toFixed(1)} %`);
await backend.dispose();
