import { fromBytes, openStore, type TensorEntry, toBytes } from "@normless/safetensors";
import { type Backend, reference, type Tensor, tensor } from "@normless/tensor";
import { wasm } from "@normless/tensor-wasm";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadTensors, readTensors, tensorEntries } from "../src/index.js";
import { bytesOf, names, values } from "./models.js";

let backend: Backend;
beforeAll(async () => {
  backend = await wasm({ threads: 1 });
});
afterAll(() => backend.dispose());

const storeOf = async (entries: Iterable<TensorEntry>) =>
  openStore([fromBytes(await toBytes(entries), "model.safetensors")]);
const models = fc.array(fc.tuple(names, values), { maxLength: 5 }).map((entries) => new Map(entries));
const freeAll = (tensors: Readonly<Record<string, Tensor>>) => {
  for (const made of Object.values(tensors)) made.free();
};

describe("tensors", () => {
  it("come back from a file with every bit, shape, kind and name, new and in place", async () => {
    await fc.assert(
      fc.asyncProperty(models, async (model) => {
        const before = backend.memory().liveTensors;
        const upload = (zero: boolean) =>
          Object.fromEntries(
            [...model].map(([name, { shape, data }]) => {
              return [name, backend.upload(zero ? data.slice().fill(0) : data, shape)];
            }),
          );
        const params = upload(false);
        const others = upload(true);
        const store = await storeOf(tensorEntries(params));
        const made = await readTensors(store, backend);
        await loadTensors(store, others);
        for (const found of [made, others]) {
          expect(Object.keys(found).sort()).toEqual([...model.keys()].sort());
          for (const [name, { shape, data }] of model) {
            expect(found[name].shape).toEqual(shape);
            expect(found[name].dtype).toBe(params[name].dtype);
            expect(bytesOf(await found[name].read())).toEqual(bytesOf(data));
          }
        }
        [params, others, made].forEach(freeAll);
        expect(backend.memory().liveTensors).toBe(before);
      }),
    );
  });

  it("are read from F16 and BF16, which are written elsewhere, and F64, rounded", async () => {
    const data = Float32Array.of(1, -0.5);
    const store = await storeOf([
      { name: "half", dtype: "F16", shape: [2], data },
      { name: "brain", dtype: "BF16", shape: [1, 2], data },
      { name: "double", dtype: "F64", shape: [], data: Float64Array.of(0.1) },
    ]);
    const made = await readTensors(store, backend);
    expect(await made.half.array()).toEqual([1, -0.5]);
    expect(await made.brain.array()).toEqual([[1, -0.5]]);
    expect(await made.double.item()).toBe(Math.fround(0.1));
    freeAll(made);
    const one = await readTensors(store, backend, ["half"]);
    expect(Object.keys(one)).toEqual(["half"]);
    freeAll(one);
  });

  it("of the reference backend are rounded to float32", async () => {
    const float64 = reference();
    const store = await storeOf(tensorEntries({ w: float64.upload(Float64Array.of(0.1), [1]) }));
    expect(await store.readFloat32("w")).toEqual(Float32Array.of(0.1));
  });

  it("are refused by name before anything changes", async () => {
    const before = backend.memory().liveTensors;
    const w = tensor(backend, [[1, 2]]);
    const store = await storeOf([
      { name: "w", dtype: "F32", shape: [1, 2], data: Float32Array.of(3, 4) },
      { name: "turned", dtype: "F32", shape: [2, 1], data: Float32Array.of(3, 4) },
      { name: "ids", dtype: "I32", shape: [1, 2], data: Int32Array.of(3, 4) },
      { name: "long", dtype: "I64", shape: [1, 2], data: BigInt64Array.of(3n, 4n) },
    ]);
    const cases: readonly (readonly [string, RegExp])[] = [
      ["gone", /^model\.safetensors: there is no tensor "gone"; there are 4/],
      [
        "turned",
        /^loadTensors: turned in model\.safetensors has another shape \(asked \[1,2\], stored \[2,1\]\)/,
      ],
      ["ids", /^loadTensors: ids in model\.safetensors is int32, and asked for is float32/],
      ["long", /^loadTensors: long in model\.safetensors is I64; tensors are made of F32,/],
    ];
    for (const [name, message] of cases) {
      await expect(loadTensors(store, { w, [name]: w })).rejects.toThrow(message);
    }
    expect(await w.array()).toEqual([[1, 2]]);
    await expect(readTensors(store, backend)).rejects.toThrow(
      /^readTensors: long in model\.safetensors is I64/,
    );
    await expect(readTensors(store, backend, ["w", "gone"])).rejects.toThrow(/no tensor "gone"/);
    expect(() => tensorEntries({ "adamw.m.w": w })).toThrow(/adamw\.m\.w is a name of an optimiser's state/);
    w.free();
    await expect(storeOf(tensorEntries({ w }))).rejects.toThrow(/freed/);
    expect(backend.memory().liveTensors).toBe(before);
  });
});
