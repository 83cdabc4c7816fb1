/** What several engines make of the same work: close to the reference, and of the same bits for any number of threads. */
import { type Backend, reference, type Tensor } from "@normless/tensor";
import { expectClose, random } from "@normless/tensor/testing";
import { expect } from "vitest";
import { engine, isBuilt } from "./built.js";

/** Uploads random values, the same on every backend. */
export type Upload = (shape: readonly number[], seed: number) => Tensor;

/** Engines of 1, 2 and 3 threads, and what compares them; no engines where none is built. */
export async function agreement() {
  const oracle = reference();
  const engines = isBuilt ? await Promise.all([1, 2, 3].map((threads) => engine({ threads }))) : [];

  async function on(backend: Backend, work: (backend: Backend, up: Upload) => readonly Tensor[]) {
    const made: Tensor[] = [];
    const results = work(backend, (shape, seed) => {
      const { data } = random(shape, seed);
      made.push(backend.upload(data, shape));
      return made[made.length - 1];
    });
    const values = await Promise.all(results.map((tensor) => tensor.read()));
    for (const tensor of new Set([...made, ...results])) if (!tensor.freed) tensor.free();
    return values;
  }

  return {
    engines,
    /** Runs the work on all. */
    agree: async (
      work: (backend: Backend, up: Upload) => readonly Tensor[],
      tolerance = 1e-5,
    ): Promise<void> => {
      const expected = await on(oracle, work);
      const [one, ...more] = await Promise.all(engines.map((backend) => on(backend, work)));
      for (const other of more) expect(other).toEqual(one);
      one.forEach((values, i) => expectClose(`output ${i}`, values, expected[i], tolerance));
    },
    dispose: async (): Promise<void> => {
      for (const backend of engines) await backend.dispose();
    },
  };
}
