/**
 * The head with its loss, and both with the gradient, in chunks of rows: the logits of a chunk are a temporary, made once,
 * which the gradient turns into dlogits in place. Memory is HELD logits, whatever rows and V are.
 */
import { rowsOf } from "../../shape.js";
import type { Build, Operand, Result, WgslPass } from "../program.js";
import { columnSums } from "./column-sums.js";
import { assign } from "./elementwise.js";
import { kernel, mostOver, totalOver } from "./pass.js";
import { product } from "./product.js";
import type { Tuning } from "./tuning.js";

/** Logits held at a time, but for a row's at least: 128 MiB, which every device binds. */
const HELD = 1 << 25;

/** Classes that dx adds up in one go, a multiple of 4: one float32 sum over GPT-2's vocabulary is off by 1e-5. */
const LONGEST_SUM = 4096;

interface Chunk {
  readonly first: number;
  readonly rows: number;
}
interface Head {
  readonly N: number;
  readonly V: number;
  readonly C: number;
  /** V in whole vectors of four: the width of a row of logits. */
  readonly width: number;
  readonly bias: boolean;
}

function headOf({
  x,
  w,
  bias,
}: {
  readonly x: Operand;
  readonly w: Operand;
  readonly bias?: Operand | undefined;
}): Head {
  const [V, C] = w.shape;
  return { N: rowsOf(x.shape), V, C, width: Math.ceil(V / 4) * 4, bias: bias !== undefined };
}

function chunksOf({ N, width }: Head, held: number): Chunk[] {
  const most = Math.max(1, Math.min(N, Math.floor(held / width)));
  return begins(N, most).map((first) => ({ first, rows: Math.min(most, N - first) }));
}

/** Where pieces of `size` begin in `count`. */
function begins(count: number, size: number): number[] {
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => i * size);
}

/** logits = x[first…]·wᵀ + bias; what it writes into the padding has no meaning. */
function logitsPass({ V, C, width, bias }: Head, { first, rows }: Chunk, tuning: Tuning): WgslPass {
  return product(
    {
      a: { buffer: "x", width: C, top: first, layout: "outer" },
      b: { buffer: "w", width: C, layout: "outer" },
      c: { buffer: "logits", width },
      add: false,
      ...(bias && { bias: { buffer: "bias", left: 0 } }),
      n: rows,
      m: V,
      k: C,
    },
    tuning.products,
  );
}

/** The loss of each row of logits; with `grad`, the logits become dlogits, with zeros in the padding. */
function lossPass(
  { V, width }: Head,
  { first, rows }: Chunk,
  loss: Result,
  grad: boolean,
  { rowThreads }: Tuning,
): WgslPass {
  const each = (body: string) => `for (var c = t; c < V; c += ${rowThreads}) { ${body} }`;
  return kernel({
    key: `cross-entropy${grad ? " and gradient" : ""}${loss.add ? " add" : ""} ${rowThreads}`,
    reads: { targets: "targets", ...(grad && { dloss: "dloss" }) },
    writes: { logits: "logits", loss: "loss" },
    uniforms: { V, width, first },
    code: () => `${mostOver(rowThreads)}${totalOver(rowThreads)}
@compute @workgroup_size(${rowThreads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) t: u32) {
  let V = u32(u.V);
  let width = u32(u.width);
  let start = group.x * width;
  let n = u32(u.first) + group.x;
  var highest = logits[start];
  ${each("highest = max(highest, logits[start + c]);")}
  let top = most(highest, t);
  var sum = 0.0;
  ${each("sum += exp(logits[start + c] - top);")}
  let lse = top + log(total(sum, t));
  let hit = u32(targets[n]);
  if (t == 0) { loss[n] ${assign(loss)} lse - logits[start + hit]; }
  ${
    grad
      ? `// All have read what they need of the logits of others before they are overwritten.
  workgroupBarrier();
  ${each("logits[start + c] = dloss[n] * (exp(logits[start + c] - lse) - select(0.0, 1.0, c == hit));")}
  if (V + t < width) { logits[start + V + t] = 0.0; }`
      : ""
  }
}`,
    workgroups: [rows, 1, 1],
  });
}

export const linearCrossEntropyBy =
  (held: number) =>
  (tuning: Tuning): Build<"linearCrossEntropy"> =>
  (operands, _attributes, { loss }) => {
    const head = headOf(operands);
    const chunks = chunksOf(head, held);
    return {
      adds: ["loss"],
      temporaries: { logits: chunks[0].rows * head.width },
      passes: chunks.flatMap((chunk) => [
        logitsPass(head, chunk, tuning),
        lossPass(head, chunk, loss, false, tuning),
      ]),
    };
  };

export const linearCrossEntropyGradBy =
  (held: number, longestSum = LONGEST_SUM) =>
  (tuning: Tuning): Build<"linearCrossEntropyGrad"> =>
  (operands, _attributes, { loss, dx, dw, dbias }) => {
    const head = headOf(operands);
    const { V, C, width } = head;
    const chunks = chunksOf(head, held);
    const passes: WgslPass[] = [];
    const temporaries: Record<string, number> = { logits: chunks[0].rows * width };
    for (const chunk of chunks) {
      const { first, rows } = chunk;
      const dlogits = { buffer: "logits", width };
      const biasSums = columnSums({
        key: "bias of head",
        reads: { dy: "logits" },
        rows,
        columns: V,
        width,
        sums: [{ value: "dy[at]", output: "dbias", add: dbias.add || first > 0 }],
      });
      // The first chunk is the largest.
      if (first === 0) Object.assign(temporaries, biasSums.temporaries);
      passes.push(
        logitsPass(head, chunk, tuning),
        lossPass(head, chunk, loss, true, tuning),
        // Over the padding too, where dlogits is 0: the sums then go in whole vectors.
        ...begins(width, longestSum).map((begin) =>
          product(
            {
              a: { ...dlogits, left: begin, layout: "outer" },
              b: { buffer: "w", width: C, top: begin, layout: "inner" },
              c: { buffer: "dx", width: C, top: first },
              add: dx.add || begin > 0,
              n: rows,
              m: C,
              k: Math.min(longestSum, width - begin),
            },
            tuning.products,
          ),
        ),
        product(
          {
            a: { ...dlogits, layout: "inner" },
            b: { buffer: "x", width: C, top: first, layout: "inner" },
            c: { buffer: "dw", width: C },
            add: dw.add || first > 0,
            n: V,
            m: C,
            k: rows,
          },
          tuning.products,
        ),
        ...biasSums.passes,
      );
    }
    return { adds: ["loss", "dx", "dw", "dbias"], temporaries, passes };
  };

export const linearCrossEntropy = linearCrossEntropyBy(HELD);
export const linearCrossEntropyGrad = linearCrossEntropyGradBy(HELD);
