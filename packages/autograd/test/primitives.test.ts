/** What holds for every op: its gradient is that of central differences, on tensors it says what it says on a tape, nothing stays. */
import { reference, scope, type Tensor } from "@normless/tensor";
import { expectClose, random, type Value } from "@normless/tensor/testing";
import { describe, expect, it } from "vitest";
import { evaluate, gradientCheck, mul, sum, tensorOf, valueAndGrad, type Variable } from "../src/index.js";
import { type OpCase, opCases } from "./ops.js";

const backend = reference();
const up = (record: Readonly<Record<string, Value>> = {}): Record<string, Tensor> =>
  Object.fromEntries(
    Object.entries(record).map(([name, { data, shape }]) => [name, backend.upload(data, shape)]),
  );
const freeAll = (record: Readonly<Record<string, Tensor>>) => {
  for (const tensor of Object.values(record)) tensor.free();
};

async function withOperands(
  { params, constants }: OpCase,
  use: (params: Record<string, Tensor>, constants: Record<string, Tensor>) => Promise<void>,
): Promise<void> {
  const [variables, fixed] = [up(params), up(constants)];
  const before = backend.memory();
  await use(variables, fixed);
  expect(backend.memory().liveTensors).toBe(before.liveTensors);
  expect(backend.memory().liveBytes).toBe(before.liveBytes);
  freeAll(variables);
  freeAll(fixed);
}

describe.each(opCases)("%s", (_name, op) => {
  it("has the gradient of central differences", async () => {
    await withOperands(op, async (params, constants) => {
      // Every value of the output weighs differently, so that no error can cancel.
      const shapeOf = evaluate((v) => op.run(v, constants) as Variable, params);
      const weights = backend.upload(random(shapeOf.shape, 77).data, shapeOf.shape);
      shapeOf.free();
      const loss = (v: Readonly<Record<string, Variable>>) =>
        sum(mul(op.run(v, constants) as Variable, weights));
      const { relative, worst } = await gradientCheck(loss, params);
      expect(relative, JSON.stringify(worst)).toBeLessThan(1e-7);
      weights.free();
    });
  });

  it("is the same on tensors, and leaves nothing", async () => {
    await withOperands(op, async (params, constants) => {
      const onTape = evaluate((v) => op.run(v, constants) as Variable, params);
      const onTensors = scope(() => tensorOf(op.run(params, constants)));
      expect(onTensors.shape).toEqual(onTape.shape);
      expectClose("on tensors", await onTensors.read(), await onTape.read(), 0);
      onTape.free();
      onTensors.free();
    });
  });

  it("leaves only value and gradients, whichever operands need them", async () => {
    await withOperands(op, async (params, constants) => {
      for (const name of Object.keys(params)) {
        const { value, grads } = valueAndGrad(
          (v) => sum(op.run({ ...params, ...v }, constants) as Variable),
          {
            [name]: params[name],
          },
        );
        value.free();
        freeAll(grads);
      }
      await Promise.resolve();
    });
  });
});
