import { expect, it } from "vitest";
import { functionAt, named, resultsOf } from "../../src/peers/op-peer.js";

const peer = {
  neg: (x: object) => [x],
  numpy: { order: 2, sums: (...all: readonly unknown[]) => ({ all }) },
};

it("finds a function by its path, and calls it with the operands and what is more", () => {
  const api = (path: string) => functionAt(peer, path);
  const x = {};
  expect(named("neg").call(api, [x])).toEqual([x]);
  expect(named("numpy.sums", 1, false).call(api, [x])).toEqual({ all: [x, 1, false] });
  for (const missing of ["abs", "numpy.order", "lax.conv"])
    expect(() => functionAt(peer, missing)).toThrow(`no function ${missing}`);
});

it("takes one result, a list, or names", () => {
  class Tensor {}
  const [a, b] = [new Tensor(), new Tensor()];
  expect(resultsOf(a)).toEqual([a]);
  expect(resultsOf([a, b])).toEqual([a, b]);
  expect(resultsOf({ values: a, indices: b })).toEqual([a, b]);
});
