/** The engines that what holds for any is tried on, and how near they come to what is exact, relative to the largest value. */
import { type Backend, reference } from "@normless/tensor";
import { native } from "@normless/tensor-native";
import { wasm } from "@normless/tensor-wasm";

/** An engine's name, how to make one, and its tolerance. */
export type Engine = readonly [name: string, make: () => Promise<Backend>, tolerance: number];

const isBuilt = await native({ threads: 1 }).then(
  async (backend) => {
    await backend.dispose();
    return true;
  },
  (error: Error) => {
    if (!error.message.includes("it is not built")) throw error;
    console.warn(`LEFT OUT: tests on the native engine: ${error.message}`);
    return false;
  },
);

/** Those that compute in float32 and are there. */
export const float32Engines: readonly Engine[] = [
  ["wasm", async () => wasm({ threads: 2 }), 1e-5],
  ...(isBuilt ? [["native", () => native({ threads: 2 }), 1e-5] as const] : []),
];

/** The reference, in float64, and those. */
export const engines: readonly Engine[] = [
  ["reference", () => Promise.resolve(reference()), 1e-10],
  ...float32Engines,
];
