import { AdamW, type Named, Sgd } from "@normless/optim";
import { fromBytes, openStore, type Store, type TensorEntry, toBytes } from "@normless/safetensors";
import { type Backend, type Shape, sizeOf, type Tensor, tensor } from "@normless/tensor";
import { wasm } from "@normless/tensor-wasm";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readAdamWState, readSgdState, readTensors, stateEntries, tensorEntries } from "../src/index.js";
import { bits, bytesOf, names, shapes } from "./models.js";

let backend: Backend;
beforeAll(async () => {
  backend = await wasm({ threads: 1 });
});
afterAll(() => backend.dispose());

type Params = Readonly<Record<string, Tensor>>;

const storeOf = async (entries: Iterable<TensorEntry>) =>
  openStore([fromBytes(await toBytes(entries), "training.safetensors")]);

/** Names that are no property of every object: an optimiser keeps its moments in one. */
const models = fc.dictionary(
  names.filter((name) => !(name in {})),
  shapes,
  { minKeys: 1, maxKeys: 4, noNullPrototype: true },
);
const stateBytes = (values: Named<Float32Array>) =>
  Object.fromEntries(Object.entries(values).map(([name, data]) => [name, bytesOf(data)]));

const kinds = {
  AdamW: {
    make: (params: Params) => new AdamW(backend, params, { weightDecay: 0.1 }),
    goOn: async (store: Store, params: Params) => {
      const made = new AdamW(backend, params, { weightDecay: 0.1 });
      made.load(await readAdamWState(store, params));
      return made;
    },
  },
  Sgd: {
    make: (params: Params) => new Sgd(backend, params, { momentum: 0.9, nesterov: true }),
    goOn: async (store: Store, params: Params) => {
      const made = new Sgd(backend, params, { momentum: 0.9, nesterov: true });
      made.load(await readSgdState(store, params));
      return made;
    },
  },
} as const;

describe("an optimiser's state", () => {
  it("comes back from a file beside the parameters with every bit", async () => {
    const model = models.chain((shapes) => {
      const moments = () =>
        fc.record(
          Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, bits(sizeOf(shape))])),
        );
      const step = fc.maxSafeNat();
      return fc.record({
        shapes: fc.constant(shapes),
        step,
        m: moments(),
        v: moments(),
        momentum: moments(),
      });
    });
    await fc.assert(
      fc.asyncProperty(model, async ({ shapes, step, m, v, momentum }) => {
        const params = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { shape }]));
        const store = await storeOf([
          ...stateEntries({ step, m, v }, params),
          ...stateEntries({ step, momentum }, params),
        ]);
        const adamw = await readAdamWState(store, params);
        const sgd = await readSgdState(store, params);
        expect([adamw.step, sgd.step]).toEqual([step, step]);
        expect(stateBytes(adamw.m)).toEqual(stateBytes(m));
        expect(stateBytes(adamw.v)).toEqual(stateBytes(v));
        expect(stateBytes(sgd.momentum)).toEqual(stateBytes(momentum));
        expect(Object.keys(await readTensors(store, backend))).toEqual([]);
      }),
    );
  });

  for (const [kind, { make, goOn }] of Object.entries(kinds)) {
    it(`of ${kind} goes on from a file as if it had never stopped`, async () => {
      await fc.assert(
        fc.asyncProperty(models, fc.nat(3), fc.nat(), async (shapes, stop, seed) => {
          const before = backend.memory().liveTensors;
          const start = drawn(shapes, seed);
          let params = drawn(shapes, seed);
          const never = make(start);
          let once: AdamW | Sgd = make(params);
          for (let step = 0; step < 4; step++) {
            if (step === stop) {
              const file = [...tensorEntries(params), ...stateEntries(await once.save(), params)];
              const store = await storeOf(file);
              [once, ...Object.values(params)].forEach((owned) => owned.free());
              params = await readTensors(store, backend);
              once = await goOn(store, params);
            }
            const grads = drawn(shapes, seed + step + 1);
            for (const optimizer of [never, once])
              optimizer.update(grads, { learningRate: 0.1, maxNorm: 1 }).free();
            Object.values(grads).forEach((grad) => grad.free());
          }
          expect(once.step).toBe(4);
          for (const name of Object.keys(shapes)) {
            expect(bytesOf(await params[name].read())).toEqual(bytesOf(await start[name].read()));
          }
          for (const owned of [never, once, ...Object.values(start), ...Object.values(params)]) owned.free();
          expect(backend.memory().liveTensors).toBe(before);
        }),
        { numRuns: 50 },
      );
    });
  }

  it("of SGD without momentum is its step alone", async () => {
    const params = { w: tensor(backend, [1]) };
    const sgd = new Sgd(backend, params);
    sgd.update(params, { learningRate: 0.1 }).free();
    const store = await storeOf(stateEntries(await sgd.save(), params));
    expect(store.names()).toEqual(["sgd.step"]);
    expect(await readSgdState(store, params)).toEqual({ step: 1, momentum: {} });
    params.w.free();
  });

  it("is refused by name when it is of another model or another optimiser", async () => {
    const params = { w: { shape: [2] }, b: { shape: [] } };
    const moments = { w: Float32Array.of(1, 2), b: Float32Array.of(3) };
    const state = { step: 7, m: moments, v: moments };
    const store = await storeOf(stateEntries(state, params));
    const refused = (given: Readonly<Record<string, { readonly shape: Shape }>>) =>
      expect(readAdamWState(store, given)).rejects;
    await refused({ ...params, w: { shape: [1, 2] } }).toThrow(
      /adamw\.m\.w in training\.safetensors has another shape \(asked \[1,2\], stored \[2\]\)/,
    );
    await refused({ w: params.w }).toThrow("the file's adamw.m is of b, which is no parameter");
    await refused({ ...params, c: { shape: [1] } }).toThrow("the file's adamw.m has nothing of parameter c");
    await expect(readSgdState(store, params)).rejects.toThrow(/there is no tensor "sgd\.step"; there are 5/);
    const counted = await storeOf([{ name: "sgd.step", dtype: "F32", shape: [], data: Float32Array.of(1) }]);
    await expect(readSgdState(counted, params)).rejects.toThrow(/sgd\.step in .* is no number of updates/);

    expect(() => stateEntries({ ...state, v: { w: moments.w } }, params)).toThrow(
      "the state's adamw.v has nothing of parameter b",
    );
    expect(() => stateEntries(state, { w: params.w })).toThrow("is of b, which is no parameter");
    const short = stateEntries({ ...state, m: { ...moments, w: Float32Array.of(1) } }, params);
    await expect(storeOf(short)).rejects.toThrow(/"adamw\.m\.w" of shape \[2\] takes 2 elements/);
  });
});

/** A tensor of each shape, its values drawn from the seed. */
function drawn(shapes: Readonly<Record<string, Shape>>, seed: number): Params {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => {
      const data = Float32Array.from({ length: sizeOf(shape) }, (_, k) => Math.sin(seed + 7 * i + 3 * k));
      return [name, backend.upload(data, shape)];
    }),
  );
}
