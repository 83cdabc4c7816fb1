/**
 * What a training step of GPT-2 asks of each kernel: operands, floating-point operations and bytes. Bytes are the least that
 * can be moved: every operand read once, every result written once, in float32; a result that is added to something is read
 * besides. A test holds the list against the kernels that a step runs.
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
  /** Tells calls of one kernel apart. */
  readonly part: string;
  /** Calls a step. What goes over every parameter is one call, whatever the number of parameters. */
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

/** The products of a block: calls a layer, K, M. Query, key and value are thirds of one weight. */
const products = ({ C }: Dims): [string, number, number, number][] => [
  ["query, key, value", 3, C, C],
  ["attention out", 1, C, C],
  ["mlp in", 1, C, 4 * C],
  ["mlp out", 1, 4 * C, C],
];

function linears(of: Dims): KernelWork[] {
  const N = of.B * of.T;
  return products(of).flatMap(([part, each, K, M]): KernelWork[] => {
    const [x, w, y, bias] = [[N, K], [K, M], [N, M], [M]];
    const common = { part, calls: each * of.L, attributes: {}, flops: 2 * N * K * M };
    const inputs = { x, w, bias };
    // What GELU computes is less than a hundredth of the product, and is not counted.
    const gelu = { bytes: bytesOf(x, w, bias, y, y), attributes: { gelu: "tanh" } };
    const forward: KernelWork =
      part === "mlp in"
        ? { ...common, kernel: "linearGelu", inputs, ...gelu }
        : { ...common, kernel: "linear", inputs, bytes: bytesOf(x, w, bias, y) };
    const gradInput = { ...common, kernel: "linearGradInput", inputs: { dy: y, w } } as const;
    const gradWeight = { ...common, kernel: "linearGradWeight", inputs: { x, dy: y } } as const;
    const gradBias = { ...common, kernel: "linearGradBias", inputs: { dy: y }, flops: N * M } as const;
    // The gradients of query, key and value meet in what all three read, and are columns of one weight's and one bias's.
    const first = (work: Omit<KernelWork, "bytes">, bytes: number) => ({ ...work, calls: of.L, bytes });
    const others = (work: Omit<KernelWork, "bytes">, bytes: number) =>
      each > 1 ? [{ ...work, part: `${part}, added`, calls: (each - 1) * of.L, bytes }] : [];
    return [
      forward,
      first(gradInput, bytesOf(y, w, x)),
      ...others(gradInput, bytesOf(y, w, x, x)),
      first(gradWeight, bytesOf(x, y, w)),
      ...others(gradWeight, bytesOf(x, y, w, w)),
      first(gradBias, bytesOf(y, bias)),
      ...others(gradBias, bytesOf(y, bias, bias)),
    ];
  });
}

interface StreamOptions extends Pick<KernelWork, "calls" | "ids"> {
  readonly part?: string;
  /** Floating-point operations a value of the first result: an estimate, since bytes bound all of these. */
  readonly flops: number;
  readonly attributes?: object;
  /** Results that are added to what is there. */
  readonly added?: readonly Shape[];
}

function stream(
  kernel: KernelName,
  inputs: Readonly<Record<string, Shape>>,
  written: readonly Shape[],
  { part = "", attributes = {}, added = [], flops, ...rest }: StreamOptions,
): KernelWork {
  const bytes = bytesOf(...Object.values(inputs), ...written, ...added);
  return { kernel, part, inputs, attributes, flops: flops * sizeOf(written[0]), bytes, ...rest };
}

/** A table is read, and its gradient written or added to, in the rows of the batch's tokens alone. */
function tableRows({ B, T, C }: Dims, part: string, vocabulary: number, add: boolean): KernelWork[] {
  const [x, ids] = [
    [B, T, C],
    [B, T],
  ];
  const common = { part, calls: 1, ids: { ids: vocabulary } };
  return [
    {
      ...stream("embedding", { table: [vocabulary, C], ids }, [x], { ...common, flops: 0 }),
      bytes: bytesOf(ids, x, x),
    },
    stream("embeddingGrad", { dy: x, ids }, [x], {
      ...common,
      flops: 1,
      attributes: { vocabulary },
      ...(add && { added: [x] }),
    }),
  ];
}

/** Elementwise work, and sums. */
function streams(of: Dims): KernelWork[] {
  const { B, T, C, V, L } = of;
  const [x, inner, P] = [[B, T, C], [B, T, 4 * C], [parameters(of)]];
  const [rows, table, channels] = [[B, T], [V, C], [C]];
  const affine = { gamma: channels, beta: channels };
  const dnorm = { dy: x, x, gamma: channels, mean: rows, rstd: rows };
  const dfrozen = { dy: x, x, gamma: channels, classes: rows };
  const frozen = { attributes: { std: { first: 90, eot: 3, rest: 2 } }, ids: { classes: 3 } };
  const half = { calls: 1, flops: 1, attributes: { factor: 0.5 } };
  const gelu = { approximate: "tanh" };
  const betas = { beta1: 0.9, beta2: 0.95, eps: 1e-8 };
  const settings = { ...betas, learningRate: 3e-4, weightDecay: 0.1, step: 1, maxNorm: 1 };
  const dx = [x, channels, channels];
  return [
    stream("geluGrad", { dy: inner, x: inner }, [inner], { calls: L, flops: 20, attributes: gelu }),
    stream("layerNorm", { x, ...affine }, [x, rows, rows], {
      calls: 2 * L + 1,
      flops: 8,
      attributes: { eps: 1e-5 },
    }),
    stream("layerNormGrad", dnorm, dx, { calls: 2 * L, flops: 14, added: [x] }),
    stream("layerNormGrad", dnorm, dx, { part: "last", calls: 1, flops: 14 }),
    stream("frozenNorm", { x, ...affine, classes: rows }, [x], { calls: 0, flops: 6, ...frozen }),
    stream("frozenNormGrad", dfrozen, dx, { calls: 0, flops: 10, ...frozen, added: [x] }),
    stream("binary", { a: x, b: x }, [x], { calls: 2 * L + 1, flops: 1, attributes: { op: "add" } }),
    // The loss, and the norm of the gradients, begin as 0.
    stream("full", {}, [[]], { calls: 2, flops: 0, attributes: { shape: [], value: 0, dtype: "float32" } }),
    // One side of a residual's sum takes its gradient over, the other a copy.
    stream("scale", { x }, [x], { ...half, calls: 2 * L + 1 }),
    stream("scale", { x, by: [] }, [x], { ...half, part: "head's input" }),
    stream("scale", { x: table, by: [] }, [table], { ...half, part: "head's weight" }),
    stream("scale", { x: [] }, [[]], { ...half, part: "mean" }),
    stream("scale", { x: [] }, [[]], { ...half, part: "loss", added: [[]] }),
    stream("sum", { x: rows }, [[]], { calls: 1, flops: B * T }),
    // The head has left its gradient in the token table's already.
    ...tableRows(of, "tokens", V, true),
    ...tableRows(of, "positions", T, false),
    stream("sumSquares", { x: P }, [[]], { calls: 1, flops: 2 * parameters(of), added: [[]] }),
    stream("adamw", { param: P, grad: P, m: P, v: P, normSquared: [] }, [P, P, P], {
      calls: 1,
      flops: 14,
      attributes: settings,
    }),
  ];
}

/** Every kernel of a step, with the shapes it has there. Frozen norms have no calls: they take the place of layerNorm. */
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
