import type { Tensor } from "@normless/tensor";
import { wasm } from "@normless/tensor-wasm";
import { expect, it } from "vitest";
import { accuracy, initialize, moons, train } from "../src/mlp.js";

it("tells more than 99 of 100 unseen points right, and leaves nothing", async () => {
  const backend = await wasm();
  const [known, unseen] = [moons(backend, 500, 1), moons(backend, 500, 2)];
  const params = initialize(backend, 3);
  const before = backend.memory().liveTensors;
  const losses: number[] = [];
  await train(params, known, { steps: 300, report: (_step, loss) => losses.push(loss) });
  expect(losses).toHaveLength(3);
  expect(losses[2]).toBeLessThan(losses[0]);
  expect(await accuracy(params, unseen)).toBeGreaterThan(0.99);
  expect(backend.memory().liveTensors).toBe(before);
  for (const record of [known, unseen, params]) {
    for (const tensor of Object.values<Tensor>({ ...record })) tensor.free();
  }
  expect(backend.memory().liveTensors).toBe(0);
  await backend.dispose();
});
