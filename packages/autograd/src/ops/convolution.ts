/** Convolutions, as products over windows: of images (N,C,H,W), of sequences (N,C,L). */
import { ShapeError, sizeOf, stridesOf, type Tensor } from "@normless/tensor";
import { apply, compose, type Result } from "../apply.js";
import { sendBack } from "../send-back.js";
import { spend } from "../spend.js";
import { type Value, Variable } from "../tape.js";
import { add } from "./binary.js";
import { padded } from "./pad.js";
import { expand, reshape, squeeze, unsqueeze } from "./shape.js";

/** How many zeros, by number or by name. */
export type Padding = number | "same" | "valid";

/** Along height and width, or both; PyTorch's meanings and defaults. */
export interface ConvolutionOptions {
  readonly bias?: Value | undefined;
  readonly stride?: number | readonly [number, number];
  /** Zeros around: none where "valid"; where "same", as many as make y as large as x for strides of 1. */
  readonly padding?: Padding | readonly [number, number];
  readonly dilation?: number | readonly [number, number];
  readonly groups?: number;
}

interface Windows {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  /** How many there are: Ho, Wo. */
  readonly places: readonly [number, number];
}

const both = (given: number | readonly [number, number]): readonly [number, number] =>
  typeof given === "number" ? [given, given] : given;

/** How many windows there are along a dimension of `size` values. */
const countOf = (size: number, kernel: number, stride: number, dilation: number) =>
  Math.floor((size - dilation * (kernel - 1) - 1) / stride) + 1;

/** Values of windows that are made at a time, where nobody wants them later: as many as a processor's second cache keeps. */
const STRIP = 1 << 18;

/**
 * x (N,C,H,W), weight (G,O/groups,C/groups·kh·kw) → (N·groups,O/groups,Ho·Wo), G being that or 1: products with every window's
 * values, which are kept where there is a gradient.
 */
function overWindows(given: Value, weight: Value, groups: number, windows: Windows): Value {
  const {
    kernel,
    stride,
    dilation,
    places: [Ho, Wo],
  } = windows;
  return apply<readonly [Value, Value], Value>("conv2d", [given, weight], ([x, w], backend) => {
    const [N, C] = x.shape;
    const s = stridesOf(x.shape);
    const shape = [N, C, ...kernel, Ho, Wo];
    const steps = [s[2] * stride[0], s[3] * stride[1]];
    const strides = [s[0], s[1], s[2] * dilation[0], s[3] * dilation[1], ...steps];
    const stack = [N * groups, w.shape[2], Ho * Wo];
    const matmul = (a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean) =>
      backend.run("matmul", { a, b }, { transposeA, transposeB }).y;
    const needsGrad = [given, weight].some((value) => value instanceof Variable && value.needsGrad);
    if (!needsGrad && w.shape[0] === 1 && sizeOf(shape) > STRIP && !backend.asynchronous) {
      return { made: [inStrips(x, w, { ...windows, strides })] };
    }
    const columns = spend(backend.run("strided", { x }, { shape, strides, offset: 0 }).y, (all) =>
      backend.reshape(all, stack),
    );
    /** Of all windows the value at (i,j), to where it came from: in one of them no value of x comes twice. */
    const back = (dcolumns: Tensor, i: number, j: number): Tensor => {
      const own = stridesOf(shape);
      const part = { shape: [N, C, Ho, Wo], strides: [own[0], own[1], own[4], own[5]] };
      const offset = i * own[2] + j * own[3];
      return spend(backend.run("strided", { x: dcolumns }, { ...part, offset }).y, (tap) => {
        const { y } = backend.run("full", {}, { shape: x.shape, value: 0, dtype: "float32" });
        const at = i * strides[2] + j * strides[3];
        backend.run("assign", { y, x: tap }, { strides: [s[0], s[1], ...steps], offset: at });
        return y;
      });
    };
    const dx = (dy: Tensor) =>
      spend(matmul(w, dy, true, false), (dcolumns) => {
        const sum = back(dcolumns, 0, 0);
        for (let tap = 1; tap < sizeOf(kernel); tap++) {
          spend(back(dcolumns, Math.floor(tap / kernel[1]), tap % kernel[1]), (x) =>
            backend.run("scale", { x }, { factor: 1 }, { y: sum }),
          );
        }
        return sum;
      });
    return {
      made: [matmul(w, columns, false, false), columns],
      backward: (dy, gradients, [xv, wv], output) =>
        sendBack(dy, gradients, output, [
          [xv, () => dx(dy)],
          [wv, () => matmul(dy, columns, false, true)],
        ]),
    };
  });
}

/** The same product with windows that are made strip by strip, of some rows of an image or a part of one, and go at once. */
function inStrips(
  x: Tensor,
  w: Tensor,
  { kernel, places: [Ho, Wo], strides }: Windows & { readonly strides: readonly number[] },
): Tensor {
  const { backend } = x;
  const [N, C] = x.shape;
  const [, O, inner] = w.shape;
  const columns = Math.min(Wo, Math.ceil(STRIP / inner));
  const rows = columns < Wo ? 1 : Math.max(1, Math.floor(STRIP / (inner * Wo)));
  const { y } = backend.run("full", {}, { shape: [N, O, Ho * Wo], dtype: "float32" });
  for (let n = 0; n < N; n++) {
    for (let h = 0; h < Ho; h += rows) {
      for (let v = 0; v < Wo; v += columns) {
        const size = [Math.min(rows, Ho - h), Math.min(columns, Wo - v)];
        const walk = {
          shape: [1, C, ...kernel, ...size],
          strides,
          offset: n * strides[0] + h * strides[4] + v * strides[5],
        };
        const all = backend.run("strided", { x }, walk).y;
        const b = backend.reshape(all, [1, inner, sizeOf(size)]);
        const part = backend.run("matmul", { a: w, b }, {}).y;
        const offset = n * O * Ho * Wo + h * Wo + v;
        backend.run("assign", { y, x: part }, { strides: [O * Ho * Wo, Ho * Wo, 1], offset });
        for (const tensor of [all, b, part]) tensor.free();
      }
    }
  }
  return y;
}

/** Zeros before and after a dimension; an odd one comes after. */
function around(padding: Padding, kernel: number, dilation: number): readonly [number, number] {
  if (typeof padding === "number") return [padding, padding];
  const all = padding === "same" ? dilation * (kernel - 1) : 0;
  return [Math.floor(all / 2), Math.ceil(all / 2)];
}

/**
 * x (N,C,H,W), weight (O,C/groups,kh,kw) → (N,O,Ho,Wo), both without N where x is. Where there is a gradient the windows are
 * kept for it: kh·kw times x.
 * @throws ShapeError where channels do not fit, the kernel is larger than the padded x, or "same" has strides
 */
export function conv2d<X extends Value, W extends Value>(
  given: X,
  weight: W,
  options: ConvolutionOptions = {},
): Result<X, W> {
  if (given.shape.length === 3) {
    return compose("conv2d", [given, weight, options.bias], (x, weight, bias) =>
      squeeze(conv2d(unsqueeze(x, 0), weight, { ...options, bias }), 0),
    );
  }
  const { bias, stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  const shapes = { x: given.shape, weight: weight.shape };
  const [O, perGroup, ...kernel] = weight.shape;
  if (given.shape.length !== 4 || weight.shape.length !== 4) {
    throw new ShapeError("conv2d", "x is (N,C,H,W) and weight (O,C/groups,kh,kw)", shapes);
  }
  if (given.shape[1] !== perGroup * groups || O % groups !== 0) {
    throw new ShapeError("conv2d", `channels do not fit ${groups} groups`, shapes);
  }
  const [strides, dilations] = [both(stride), both(dilation)];
  if (padding === "same" && sizeOf(strides) !== 1) {
    throw new ShapeError("conv2d", 'padding "same" is for strides of 1', shapes);
  }
  const [ofH, ofW] = typeof padding === "object" ? padding : [padding, padding];
  const [top, bottom] = around(ofH, kernel[0], dilations[0]);
  const [left, right] = around(ofW, kernel[1], dilations[1]);
  const [N, C, H, W] = given.shape;
  const sides = [H + top + bottom, W + left + right];
  const [Ho, Wo] = sides.map((size, d) => countOf(size, kernel[d], strides[d], dilations[d]));
  if (Ho < 1 || Wo < 1) throw new ShapeError("conv2d", "the kernel is larger than x", shapes);
  const windows: Windows = {
    kernel: kernel as [number, number],
    stride: strides,
    dilation: dilations,
    places: [Ho, Wo],
  };
  return compose("conv2d", [given, weight, bias], (x, weight, bias) => {
    const whole = top + bottom + left + right === 0 ? x : padded(x, [N, C, ...sides], [0, 0, top, left], 0);
    const inner = perGroup * sizeOf(kernel);
    const matrices =
      groups === 1
        ? reshape(weight, [1, O, inner])
        : reshape(expand(reshape(weight, [1, groups, O / groups, inner]), [N, -1, -1, -1]), [
            N * groups,
            O / groups,
            inner,
          ]);
    const y = reshape(overWindows(whole, matrices, groups, windows), [N, O, Ho, Wo]);
    return bias ? add(y, reshape(bias, [O, 1, 1])) : y;
  });
}

/** The same along one dimension. */
export interface Convolution1dOptions extends Omit<ConvolutionOptions, "stride" | "padding" | "dilation"> {
  readonly stride?: number;
  readonly padding?: Padding;
  readonly dilation?: number;
}

/** x (N,C,L), weight (O,C/groups,k) → (N,O,Lo), both without N where x is. @throws ShapeError as conv2d does */
export function conv1d<X extends Value, W extends Value>(
  given: X,
  weight: W,
  { stride = 1, padding = 0, dilation = 1, bias, ...rest }: Convolution1dOptions = {},
): Result<X, W> {
  if (![2, 3].includes(given.shape.length) || weight.shape.length !== 3) {
    const shapes = { x: given.shape, weight: weight.shape };
    throw new ShapeError("conv1d", "x is (N,C,L) and weight (O,C/groups,k)", shapes);
  }
  return compose("conv1d", [given, weight, bias], (x, weight, bias) =>
    squeeze(
      conv2d(unsqueeze(x, -2), unsqueeze(weight, 2), {
        ...rest,
        bias,
        stride: [1, stride],
        // Of a kernel of height 1 both names add no rows.
        padding: typeof padding === "number" ? [0, padding] : padding,
        dilation: [1, dilation],
      }),
      -2,
    ),
  );
}
