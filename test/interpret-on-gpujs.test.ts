/** Hooks, caches and gradients on gpu.js, which has kernels of its own for all that a block in steps takes. */
import { mul, type Variable } from "@normless/autograd";
import { config, onDevice, randomIds, randomModel } from "@normless/gpt2/testing";
import { logitDifference, runWithCache, runWithGradients } from "@normless/interpret";
import { type Backend, reference, type Tensor } from "@normless/tensor";
import { gpu } from "@normless/tensor/gpu";
import { expectClose } from "@normless/tensor/testing";
import { expect, it } from "vitest";

/** Relative to the largest; what no key may have is −Infinity on both. */
const finite = (values: ArrayLike<number>) => Float64Array.from(values, (x) => (x < -1e30 ? -2 : x));

it("keeps, replaces and differentiates on gpu.js as on the reference, to 1e-5", async () => {
  const ids = randomIds(config, 7, 1);
  const hooks = { "blocks.*.attn.hook_pattern": (x: Variable) => mul(x, 0.5) };
  const results = async (backend: Backend) => {
    const model = await onDevice(backend, randomModel(config, 1));
    const before = backend.memory().liveTensors;
    const read: Record<string, Float64Array> = {};
    {
      using run = runWithCache(model, ids, () => true, { hooks });
      for (const [name, tensor] of Object.entries<Tensor>(run.cache))
        read[name] = finite(await tensor.read());
      read["logits"] = finite(await run.logits.read());
      using back = runWithGradients(model, ids, () => true, logitDifference(1, 2), { hooks });
      for (const [name, tensor] of Object.entries<Tensor>(back.gradients)) {
        read[`d ${name}`] = finite(await tensor.read());
      }
    }
    expect(backend.memory().liveTensors).toBe(before);
    return read;
  };
  const exact = await results(reference());
  const backend = await gpu({ mode: "webasm" });
  const found = await results(backend);
  expect(Object.keys(found)).toEqual(Object.keys(exact));
  for (const [name, values] of Object.entries(found)) expectClose(name, values, exact[name], 1e-5);
  await backend.dispose();
});
