/** Every case runs, gives back all that it makes, and has a peer to be compared with; peers' words are tried in a run with them. */
import { reference, sizeOf } from "@normless/tensor";
import { expect, it } from "vitest";
import { primitives } from "../../src/cases/primitives/index.js";

it("has names of its own, and none with a comma, at which --case divides", () => {
  const names = primitives.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => name.includes(","))).toEqual([]);
});

it.each(primitives.map((op) => [op.name, op] as const))("%s", (_, { operands, ours, peers }) => {
  expect(Object.keys(peers).length).toBeGreaterThan(0);
  const backend = reference();
  const given = operands(32).map(({ data, shape }) => backend.upload(data, shape));
  for (const { shape, size } of given) expect(sizeOf(shape)).toBe(size);
  for (const made of [ours(given)].flat()) made.free();
  for (const tensor of given) tensor.free();
  expect(backend.memory().liveTensors).toBe(0);
});
