import { reference, show, tensor } from "@normless/tensor";
import { expect, it } from "vitest";

const backend = reference();

it("shows values as PyTorch prints them, with dtype, shape and backend", async () => {
  const x = tensor(backend, [
    [1, -2.5],
    [30, NaN],
  ]);
  expect(await show(x)).toBe(
    "tensor([[ 1.0000, -2.5000],\n        [30.0000,     nan]], float32 [2,2] on reference)",
  );
  expect(await show(tensor(backend, 3))).toBe("tensor(3.0000, float32 [] on reference)");
  expect(await show(tensor(backend, [1e-9, 1]))).toBe(
    "tensor([1.0000e-9, 1.0000e+0], float32 [2] on reference)",
  );
  const ids = backend.upload(Int32Array.of(7, -12), [1, 2]);
  expect(await show(ids)).toBe("tensor([[  7, -12]], int32 [1,2] on reference)");
  expect(await show(backend.upload(Uint8Array.of(1, 0), [2]))).toBe(
    "tensor([ true, false], bool [2] on reference)",
  );
  expect(await show(backend.upload(new Float32Array(), [0]))).toBe("tensor([], float32 [0] on reference)");
});

it("shows the ends of what is large, and leaves a line between matrices", async () => {
  const x = backend.upload(new Float32Array(2000), [2000]);
  expect(await show(x)).toBe(
    "tensor([0.0000, 0.0000, 0.0000, ..., 0.0000, 0.0000, 0.0000], float32 [2000] on reference)",
  );
  expect(await show(backend.upload(Float32Array.of(1, 2), [2, 1, 1]))).toBe(
    "tensor([[[1.0000]],\n\n        [[2.0000]]], float32 [2,1,1] on reference)",
  );
});
