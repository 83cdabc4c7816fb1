/** A tensor's values as text, as PyTorch prints them: for looking at. */
import type { Tensor } from "./backend.js";
import type { TensorData } from "./dtype.js";
import { KEPT } from "./kernels/contract.js";
import { showShape, sizeOf } from "./shape.js";

/** From so many values on only the first and the last of each dimension are shown. */
const MANY = 1000;
const EDGE = 3;

/**
 * The values in nested brackets with four digits behind the point, or with an exponent where they are far apart or far from
 * 1; then dtype, shape and backend: `tensor([[1.0000, 2.0000]], float32 [1,2] on wasm)`. Reads the tensor.
 */
export async function show(tensor: Tensor): Promise<string> {
  const { shape, dtype, backend } = tensor;
  const data = await tensor.read();
  const write = writerOf(data, KEPT.includes(dtype), dtype === "bool");
  const short = sizeOf(shape) > MANY;
  const part = (d: number, offset: number): string => {
    if (d === shape.length) return write(data[offset]);
    const stride = sizeOf(shape.slice(d + 1));
    const all = Array.from({ length: shape[d] }, (_, i) => i);
    const cut = short && shape[d] > 2 * EDGE;
    const places = cut ? [...all.slice(0, EDGE), -1, ...all.slice(-EDGE)] : all;
    const parts = places.map((i) => (i < 0 ? "..." : part(d + 1, offset + i * stride)));
    const last = d === shape.length - 1;
    // PyTorch's: rows under each other, a line free between matrices.
    const between = last ? ", " : `,${"\n".repeat(shape.length - d - 1)}${" ".repeat(8 + d)}`;
    return `[${parts.join(between)}]`;
  };
  return `tensor(${part(0, 0)}, ${dtype} ${showShape(shape)} on ${backend.name})`;
}

function writerOf(data: TensorData, isFloat: boolean, isBool: boolean): (value: number) => string {
  if (isBool) return (value) => (value === 0 ? "false" : " true");
  const finite = Array.from(data).filter((value) => Number.isFinite(value) && value !== 0);
  const sizes = finite.map(Math.abs);
  const [least, most] = [Math.min(...sizes.slice(0, 10_000)), Math.max(...sizes.slice(0, 10_000))];
  const scientific =
    isFloat && sizes.length > 0 && (most >= 1e8 || least < 1e-4 || most / least > 1000 * 1e5);
  const text = (value: number): string => {
    if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
    if (!isFloat) return String(value);
    return scientific ? value.toExponential(4) : value.toFixed(4);
  };
  const shown = data.length > MANY ? [...data.slice(0, 100), ...data.slice(-100)] : [...data];
  const width = Math.max(0, ...shown.map((value) => text(value).length));
  return (value) => text(value).padStart(width);
}
