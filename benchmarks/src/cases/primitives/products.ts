/** Products, convolutions, attention. */
import { conv1d, conv2d, einsum, matmul, scaledDotProductAttention } from "@normless/autograd";
import { named, type PeerCall } from "../../peers/op-peer.js";
import { numpy, type Primitive, random, two, x } from "./primitive.js";

/** Products take more than their operands' size: of the largest, at most 512 rows and columns. */
const atMost512 = (s: number) => Math.min(s, 512);
const factor = (seed: number) => (s: number) => random([atMost512(s), atMost512(s)], seed);
/** As many 32×32 matrices as make s² values. */
const stack32 = (seed: number) => (s: number) => random([(s * s) / 1024, 32, 32], seed);
/** Images of 4 channels, or of 16, one or 16 of them. */
const images = (s: number): readonly [N: number, C: number, H: number] =>
  s > 1024 ? [4, 16, s / 8] : s > 128 ? [1, 16, s / 4] : [1, 4, s / 2];
const sequences = (s: number): readonly [N: number, C: number, L: number] => {
  const [N, C] = images(s);
  return [N, C, (s * s) / (N * C)];
};
/** Heads of 32 values, that look at 32 or 256 places. */
const heads = (seed: number) => (s: number) => {
  const L = Math.min(s, 256);
  return random([Math.max(1, (s * s) / (L * 32 * 8)), s > 32 ? 8 : 1, L, 32], seed);
};

/** The order of dimensions in which a peer has channels, or heads, to ours and back. */
function ordered(
  transpose: string,
  [to, back]: readonly [to: readonly (readonly number[])[], back: readonly number[]],
  call: PeerCall["call"],
): PeerCall {
  return {
    call,
    before: (api, operands) => operands.map((operand, i) => api(transpose)(operand, to[i])),
    after: (api, y) => api(transpose)(y, back),
  };
}

export const products: readonly Primitive[] = [
  two("matmul", (a, b) => matmul(a, b), [named("matMul"), numpy("matmul")], [factor(1), factor(2)]),
  two(
    "matmul transposeB",
    (a, b) => matmul(a, b, { transposeB: true }),
    [
      named("matMul", false, true),
      { call: (jax, [a, b]) => jax("numpy.matmul")(a, jax("numpy.transpose")(b)) },
    ],
    [factor(1), factor(2)],
  ),
  two(
    "matmul vector",
    (a, b) => matmul(a, b),
    [{ call: (tf, [a, b]) => tf("dot")(a, b) }, numpy("matmul")],
    [x, (s) => random([s], 2)],
  ),
  two(
    "matmul of 32×32",
    (a, b) => matmul(a, b),
    [named("matMul"), numpy("matmul")],
    [stack32(1), stack32(2)],
  ),
  two(
    "einsum of 32×32",
    (a, b) => einsum("bij,bkj->bik", a, b),
    [undefined, { call: (jax, [a, b]) => jax("numpy.einsum")("bij,bkj->bik", a, b) }],
    [stack32(1), stack32(2)],
  ),
  two(
    "conv1d of 5",
    (x, w) => conv1d(x, w, { padding: "same" }),
    [
      ordered(
        "transpose",
        [
          [
            [0, 2, 1],
            [2, 1, 0],
          ],
          [0, 2, 1],
        ],
        (tf, [x, w]) => tf("conv1d")(x, w, 1, "same"),
      ),
      { call: (jax, [x, w]) => jax("lax.convGeneralDilated")(x, w, [1], "SAME") },
    ],
    [(s) => random(sequences(s), 1), (s) => random([16, sequences(s)[1], 5], 2)],
  ),
  two(
    "conv2d of 3×3",
    (x, w) => conv2d(x, w, { padding: "same" }),
    [
      ordered(
        "transpose",
        [
          [
            [0, 2, 3, 1],
            [2, 3, 1, 0],
          ],
          [0, 3, 1, 2],
        ],
        (tf, [x, w]) => tf("conv2d")(x, w, 1, "same"),
      ),
      { call: (jax, [x, w]) => jax("lax.convGeneralDilated")(x, w, [1, 1], "SAME") },
    ],
    [(s) => random([...images(s), images(s)[2]], 1), (s) => random([16, images(s)[1], 3, 3], 2)],
  ),
  {
    name: "scaledDotProductAttention",
    operands: (s) => [heads(1)(s), heads(2)(s), heads(3)(s)],
    ours: ([q, k, v]) => scaledDotProductAttention(q, k, v),
    peers: {
      "jax-js": ordered(
        "numpy.transpose",
        [Array.from({ length: 3 }, () => [0, 2, 1, 3]), [0, 2, 1, 3]],
        (jax, [q, k, v]) => jax("nn.dotProductAttention")(q, k, v),
      ),
    },
  },
];
