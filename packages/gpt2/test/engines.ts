/** The backends that the expected values are held against. */
import { type Backend, reference } from "@normless/tensor";

export interface Engine {
  readonly name: string;
  readonly open: () => Promise<Backend>;
}

export const engines: readonly Engine[] = [
  { name: "reference", open: () => Promise.resolve(reference()) },
  { name: "reference, float32", open: () => Promise.resolve(reference({ precision: "float32" })) },
];
