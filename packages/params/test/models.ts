/** Random models, states and gradients for properties. */
import { sizeOf } from "@normless/tensor";
import fc from "fast-check";

/** Any name that a file can hold, but those of an optimiser's state. */
export const names = fc
  .string({ minLength: 1, maxLength: 12, unit: "binary" })
  .filter((name) => name !== "__metadata__" && !/^(adamw|sgd)\./.test(name));

/** From a scalar to three dimensions; empty ones, too. */
export const shapes = fc.array(fc.nat(4), { maxLength: 3 });

/** Any 32 bits: −0, subnormal ones, infinities and every NaN. */
export const bits = (count: number) =>
  fc
    .uint32Array({ minLength: count, maxLength: count })
    .map((words) => new Float32Array(Uint32Array.from(words).buffer));

/** float32, int32 and bool, in the arrays that make them. */
export const values = shapes.chain((shape) => {
  const count = sizeOf(shape);
  const length = { minLength: count, maxLength: count };
  const data = fc.oneof(
    bits(count),
    fc.int32Array(length).map((array) => Int32Array.from(array)),
    fc.uint8Array({ ...length, max: 1 }).map((array) => Uint8Array.from(array)),
  );
  return data.map((data) => ({ shape, data }));
});

/** As bytes, in which two NaN differ where their bits do. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => [
  ...new Uint8Array(buffer, byteOffset, byteLength),
];
