/** A scalar can be told its dimension 0 or −1, as in PyTorch, whose samples (test/peers) take more time. */
import { reference, tensor } from "@normless/tensor";
import { expect, it } from "vitest";
import { argmax, cumsum, max, softmax, sort, topk } from "../src/index.js";

const backend = reference();

it.each([0, -1])("dimension %i of a scalar", async (dim) => {
  const x = tensor(backend, 3);
  for (const y of [cumsum(x, dim), max(x, dim), sort(x, { dim }).values, topk(x, 1, { dim }).values]) {
    expect([y.shape, await y.item()]).toEqual([[], 3]);
  }
  expect(await softmax(x, dim).item()).toBe(1);
  expect(await argmax(x, dim).item()).toBe(0);
});
