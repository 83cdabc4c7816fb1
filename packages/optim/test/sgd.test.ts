import { reference, type Tensor, tensor } from "@normless/tensor";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clipGradNorm, Sgd, type SgdOptions } from "../src/index.js";

const GRADS = [
  { w: [[3, 0]], b: [4] },
  { w: [[-1, 2]], b: [0.25] },
  { w: [[0.5, 0.5]], b: [-1] },
];

/** Three updates by torch.optim.SGD 2.15 at a rate of 0.1, after clip_grad_norm_ to 1 where clipped: w, then b. */
const TORCH: readonly (readonly [SgdOptions, clip: number, values: readonly number[]])[] = [
  [{}, Infinity, [0.75, -2.25, 0.17499999701976776]],
  [{}, 1, [0.9436196684837341, -2.129713773727417, 0.49053850769996643]],
  [{ momentum: 0.9 }, Infinity, [0.32700005173683167, -2.430000066757202, -0.531499981880188]],
  [{ momentum: 0.9 }, 1, [0.8810195922851562, -2.2097136974334717, 0.3437385559082031]],
  [
    { momentum: 0.9, nesterov: true, weightDecay: 0.1 },
    Infinity,
    [0.09227219223976135, -2.4715678691864014, -0.7510828971862793],
  ],
  [
    { momentum: 0.9, nesterov: true, weightDecay: 0.1 },
    1,
    [0.7619644999504089, -2.1570351123809814, 0.31893476843833923],
  ],
  [{ weightDecay: 0.1 }, Infinity, [0.7252690196037292, -2.188598155975342, 0.16835947334766388]],
  [{ weightDecay: 0.1 }, 1, [0.9146682024002075, -2.069422960281372, 0.4773910939693451]],
];

const backend = reference();
const paramsOf = () => ({ w: tensor(backend, [[1, -2]]), b: tensor(backend, [0.5]) });
const upload = ({ w, b }: (typeof GRADS)[number]) => ({ w: tensor(backend, w), b: tensor(backend, b) });
const valuesOf = async ({ w, b }: Readonly<Record<"w" | "b", Tensor>>) => [
  ...(await w.read()),
  ...(await b.read()),
];
const freeAll = (record: Readonly<Record<string, Tensor>>) => {
  for (const made of Object.values(record)) made.free();
};

function update(sgd: Sgd, values: (typeof GRADS)[number], maxNorm = Infinity): void {
  const grads = upload(values);
  sgd.update(grads, { learningRate: 0.1, maxNorm }).free();
  freeAll(grads);
}

describe("Sgd", () => {
  for (const [options, maxNorm, expected] of TORCH) {
    it(`is torch.optim.SGD: ${JSON.stringify(options)}, clipped at ${maxNorm}`, async () => {
      const before = backend.memory().liveTensors;
      const params = paramsOf();
      const sgd = new Sgd(backend, params, options);
      for (const values of GRADS) update(sgd, values, maxNorm);
      const values = await valuesOf(params);
      values.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 6));
      sgd.free();
      freeAll(params);
      expect(backend.memory().liveTensors).toBe(before);
    });
  }

  it("goes on from a saved state as if it had never stopped", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(2), fc.boolean(), async (stop, nesterov) => {
        const options = { momentum: 0.9, nesterov };
        const [whole, parts] = [paramsOf(), paramsOf()];
        const one = new Sgd(backend, whole, options);
        let two = new Sgd(backend, parts, options);
        for (const [i, values] of GRADS.entries()) {
          update(one, values);
          update(two, values);
          if (i !== stop) continue;
          const state = await two.save();
          two = new Sgd(backend, parts, options);
          two.load(state);
        }
        expect(two.step).toBe(3);
        expect((await valuesOf(parts)).map(Math.fround)).toEqual((await valuesOf(whole)).map(Math.fround));
      }),
    );
  });

  it("changes nothing where the gradients come to no number", async () => {
    const params = paramsOf();
    const sgd = new Sgd(backend, params, { momentum: 0.9, weightDecay: 0.1 });
    update(sgd, GRADS[0]);
    const before = await valuesOf(params);
    const { momentum } = await sgd.save();
    update(sgd, { w: [[NaN, 1]], b: [1] });
    update(sgd, { w: [[Infinity, 1]], b: [1] }, 1);
    expect(await valuesOf(params)).toEqual(before);
    expect((await sgd.save()).momentum).toEqual(momentum);
  });

  it("says what is wrong before anything changes", () => {
    const params = paramsOf();
    expect(() => new Sgd(backend, params, { momentum: 1 })).toThrow(
      "Sgd: momentum is 1; it is a number in [0, 1)",
    );
    expect(() => new Sgd(backend, params, { nesterov: true })).toThrow(/above 0 where nesterov is true/);
    const sgd = new Sgd(backend, params);
    expect(() => sgd.update({ w: params.w }, { learningRate: 0.1 })).toThrow("parameter b has no gradient");
    expect(() => sgd.load({ step: 1, momentum: { w: new Float32Array(3) } })).toThrow(/has 3 values for w/);
    expect(sgd.step).toBe(0);
  });
});

describe("clipGradNorm", () => {
  it("scales gradients down to the norm, and only down", async () => {
    const grads = upload(GRADS[0]);
    const squared = clipGradNorm(grads, 2.5);
    expect(await squared.item()).toBe(25);
    const values = await valuesOf(grads);
    [1.5, 0, 2].forEach((value, i) => expect(values[i]).toBeCloseTo(value, 5));
    clipGradNorm(grads, 100);
    expect(await valuesOf(grads)).toEqual(values);
    expect(() => clipGradNorm(grads, 0)).toThrow("clipGradNorm: maxNorm is 0; it must be above 0");
  });
});
