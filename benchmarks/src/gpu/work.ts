/**
 * What a training step of GPT-2 asks of each kernel: operands, floating-point operations and bytes. Bytes are the least that
 * can be moved: every operand read once, every result written once, in float32.
 */
import { type KernelName, type Shape, sizeOf } from "@normless/tensor";

export interface Dims {
  readonly B: number;
  readonly T: number;
  /** Channels, heads, vocabulary, layers. */
  readonly C: number;
  readonly H: number;
  readonly V: number;
  readonly L: number;
}

export interface KernelWork {
  readonly kernel: KernelName;
  /** Tells shapes of one kernel apart. */
  readonly part: string;
  /** Calls a step. */
  readonly calls: number;
  /** Of one call. */
  readonly flops: number;
  readonly bytes: number;
  /** Operands by shape; those of `ids` are whole numbers below their limit. */
  readonly inputs: Readonly<Record<string, Shape>>;
  readonly ids?: Readonly<Record<string, number>>;
  readonly attributes: object;
}

/** GPT-2 small as llm.c and nanoGPT time it, and a model that a CPU gets through. */
export const dims = {
  small: { B: 4, T: 1024, C: 768, H: 12, V: 50257, L: 12 },
  tiny: { B: 1, T: 128, C: 128, H: 4, V: 1024, L: 2 },
} as const satisfies Record<string, Dims>;
export type DimsName = keyof typeof dims;

export function parameters({ T, C, V, L }: Dims): number {
  return V * C + T * C + L * (12 * C * C + 13 * C) + 2 * C;
}

const FLOAT = 4;
const bytesOf = (...shapes: Shape[]) => FLOAT * shapes.reduce((sum, shape) => sum + sizeOf(shape), 0);

/** The four weights of a block: K, M. */
const products = ({ C }: Dims): [string, number, number][] => [
  ["qkv", C, 3 * C],
  ["attention out", C, C],
  ["mlp in", C, 4 * C],
  ["mlp out", 4 * C, C],
];

function linears(of: Dims): KernelWork[] {
  const N = of.B * of.T;
  return products(of).flatMap(([part, K, M]): KernelWork[] => {
    const common = {
      part,
      calls: of.L,
      attributes: {},
      flops: 2 * N * K * M,
      bytes: bytesOf([N, K], [K, M], [N, M]),
    };
    const inputs = { x: [N, K], w: [K, M], bias: [M] };
    // What GELU computes is less than a hundredth of the product, and is not counted.
    const bytes = common.bytes + bytesOf([N, M]);
    const forward: KernelWork =
      part === "mlp in"
        ? { ...common, kernel: "linearGelu", inputs, bytes, attributes: { gelu: "tanh" } }
        : { ...common, kernel: "linear", inputs };
    return [
      forward,
      { ...common, kernel: "linearGradInput", inputs: { dy: [N, M], w: [K, M] } },
      { ...common, kernel: "linearGradWeight", inputs: { x: [N, K], dy: [N, M] } },
      {
        ...common,
        kernel: "linearGradBias",
        flops: N * M,
        bytes: bytesOf([N, M], [M]),
        inputs: { dy: [N, M] },
      },
    ];
  });
}

/** Elementwise work, by floating-point operations a value: an estimate, since bytes bound all of these. */
function streams(of: Dims): KernelWork[] {
  const { B, T, C, V, L } = of;
  const [x, inner, P] = [[B, T, C], [B, T, 4 * C], [parameters(of)]];
  const rows = [B, T];
  const stream = (
    kernel: KernelName,
    calls: number,
    perValue: number,
    inputs: Record<string, Shape>,
    written: Shape[],
    attributes: object = {},
    ids?: Record<string, number>,
  ): KernelWork => {
    const flops = perValue * sizeOf(written[0]);
    const bytes = bytesOf(...Object.values(inputs), ...written);
    return { kernel, part: "", calls, flops, bytes, inputs, attributes, ...(ids && { ids }) };
  };
  const channels = { gamma: [C], beta: [C] };
  const std = { first: 90, eot: 3, rest: 2 };
  const settings = {
    learningRate: 3e-4,
    beta1: 0.9,
    beta2: 0.95,
    eps: 1e-8,
    weightDecay: 0.1,
    step: 1,
    maxNorm: 1,
  };
  const frozen = { classes: 3 };
  return [
    stream("gelu", 0, 12, { x: inner }, [inner], { approximate: "tanh" }),
    stream("geluGrad", L, 20, { dy: inner, x: inner }, [inner], { approximate: "tanh" }),
    stream("layerNorm", 2 * L + 1, 8, { x, ...channels }, [x, rows, rows], { eps: 1e-5 }),
    stream("layerNormGrad", 2 * L + 1, 14, { dy: x, x, gamma: [C], mean: rows, rstd: rows }, [x, [C], [C]]),
    stream("frozenNorm", 0, 6, { x, ...channels, classes: rows }, [x], { std }, frozen),
    stream("frozenNormGrad", 0, 10, { dy: x, x, gamma: [C], classes: rows }, [x, [C], [C]], { std }, frozen),
    stream("add", 2 * L + 1, 1, { a: x, b: x }, [x]),
    {
      ...stream("embedding", 1, 0, { table: [V, C], ids: rows }, [x], {}, { ids: V }),
      bytes: 2 * bytesOf(x),
    },
    stream("embeddingGrad", 1, 1, { dy: x, ids: rows }, [[V, C]], { vocabulary: V }, { ids: V }),
    { ...stream("sumSquares", 1, 1, { x: P }, [[]]), flops: 2 * parameters(of) },
    stream("adamw", 1, 14, { param: P, grad: P, m: P, v: P, normSquared: [] }, [P, P, P], settings),
  ];
}

/**
 * Every kernel of a step, with the shapes it has there. `frozenNorm` has no calls: it takes the place of layerNorm; nor has
 * `gelu`, which linearGelu does.
 */
export function workOf(of: Dims): KernelWork[] {
  const { B, T, C, H, V, L } = of;
  const x = [B, T, C];
  const lse = [B, H, T];
  // Half of T×T is masked.
  const product = B * T * T * C;
  return [
    ...linears(of),
    {
      kernel: "attention",
      part: "",
      calls: L,
      flops: 2 * product,
      bytes: bytesOf(x, x, x, x, lse),
      inputs: { q: x, k: x, v: x },
      attributes: { heads: H },
    },
    {
      kernel: "attentionGrad",
      part: "",
      calls: L,
      flops: 5 * product,
      bytes: bytesOf(x, x, x, x, x, lse, x, x, x),
      inputs: { dy: x, q: x, k: x, v: x, y: x, lse },
      attributes: { heads: H },
    },
    {
      kernel: "linearCrossEntropyGrad",
      part: "",
      calls: 1,
      flops: 6 * B * T * C * V,
      bytes: bytesOf(x, [V, C], [B, T], [B, T], [B, T], x, [V, C], [V]),
      inputs: { dloss: [B, T], x, w: [V, C], targets: [B, T] },
      ids: { targets: V },
      attributes: {},
    },
    ...streams(of),
  ];
}
