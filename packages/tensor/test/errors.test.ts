import { reference, tensor, zeros } from "@normless/tensor";
import { describe, expect, it } from "vitest";

const backend = reference();
const ids = backend.upload(Int32Array.of(0, 1), [2]);
const x = tensor(backend, [
  [1, 2],
  [3, 4],
]);

describe("operands that do not fit are refused before anything runs", () => {
  it("says which op, which shapes, and the likely fix", () => {
    expect(() => backend.run("linear", { x, w: zeros(backend, [3, 2]) }, {})).toThrow(
      "linear: x has 2 channels, w takes 3 (x [2,2], w [3,2]). Is the weight transposed? Try transposeW.",
    );
    expect(() => backend.run("linear", { x, w: ids }, {})).toThrow("linear: w is int32; it must be float32");
    expect(() => backend.run("embedding", { table: x, ids: x }, {})).toThrow(
      "embedding: ids is float32; it must be int32",
    );
    expect(() => backend.run("scale", { x }, { factor: 1 }, { y: zeros(backend, [4]) })).toThrow(
      "scale: into.y is not of the output's shape and dtype (output [2,2], into [4])",
    );
    const norm = { x, gamma: zeros(backend, [2]), beta: zeros(backend, [2]), classes: ids };
    const std = { first: 1, eot: 0, rest: 1 };
    expect(() => backend.run("frozenNorm", norm, { std })).toThrow(/std.eot is 0; a frozen std is positive/);
    const q = zeros(backend, [1, 2, 6]);
    expect(() => backend.run("attention", { q, k: q, v: q }, { heads: 4 })).toThrow(
      /6 channels do not divide into 4 heads/,
    );
  });

  it("refuses to add into what the op reads, and two results into one tensor", () => {
    expect(() => backend.run("scale", { x }, { factor: 1 }, { y: x })).toThrow(
      "scale: into.y and x are one tensor; add into one of its own",
    );
    const inputs = {
      dy: x,
      x,
      gamma: zeros(backend, [2]),
      mean: zeros(backend, [2]),
      rstd: zeros(backend, [2]),
    };
    const both = zeros(backend, [2]);
    expect(() => backend.run("layerNormGrad", inputs, {}, { dgamma: both, dbeta: both })).toThrow(
      "layerNormGrad: into.dbeta and into.dgamma are one tensor",
    );
  });

  it("refuses freed and foreign tensors", () => {
    const freed = zeros(backend, [2]);
    freed.free();
    expect(() => backend.run("scale", { x: freed }, { factor: 1 })).toThrow(
      "scale: x was freed before this use",
    );
    expect(() => freed.free()).toThrow(/was freed before/);
    const foreign = zeros(reference(), [2]);
    expect(() => backend.run("scale", { x: foreign }, { factor: 1 })).toThrow(
      /x lives on backend reference, not on this/,
    );
  });

  it("refuses data that do not fill the shape, and uneven nested arrays", async () => {
    expect(() => backend.upload(Float32Array.of(1, 2), [3])).toThrow(
      "2 values do not fill shape [3], which takes 3",
    );
    expect(() => backend.upload(new Float32Array(0), [-1])).toThrow(/is not a shape/);
    expect(() => tensor(backend, [[1, 2], [3]])).toThrow(/a row of length 1 at depth 1/);
    await expect(x.item()).rejects.toThrow(/needs exactly one value \(tensor \[2,2\]\)/);
  });
});
