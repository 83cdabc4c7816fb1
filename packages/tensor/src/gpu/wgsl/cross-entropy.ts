/**
 * The head with its loss, and both with the gradient, in chunks of rows: the logits of a chunk are a temporary, made once,
 * which the gradient turns into dlogits in place. Memory is HELD logits, whatever rows and V are.
 */
import { rowsOf } from "../../shape.js";
import type { InputsOf } from "../../kernels/index.js";
import type { Build, Operand, Result, WgslPass } from "../program.js";
import { columnSums } from "./column-sums.js";
import { assign } from "./elementwise.js";
import { storedWeight, type StoredWeight } from "./half.js";
import { kernel, mostOver, totalOver } from "./pass.js";
import { product, type ProductPasses } from "./product.js";
import type { Tuning } from "./tuning.js";

/** Logits held at a time, but for a row's at least: 128 MiB, which every device binds. */
const HELD = 1 << 25;

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
  readonly weight: StoredWeight;
}

function headOf({ x, w, bias }: InputsOf<"linearCrossEntropy", Operand>, { f16 }: Tuning): Head {
  const [V, C] = w.shape;
  const [N, width] = [rowsOf(x.shape), Math.ceil(V / 4) * 4];
  return { N, V, C, width, bias: bias !== undefined, weight: storedWeight(w, f16) };
}

function chunksOf({ N, width }: Head, held: number): Chunk[] {
  const most = Math.max(1, Math.min(N, Math.floor(held / width)));
  return Array.from({ length: Math.ceil(N / most) }, (_, i) => ({
    first: i * most,
    rows: Math.min(most, N - i * most),
  }));
}

/** One after the other. Sizes of a temporary that several have are the largest of them. */
function inTurn(parts: readonly ProductPasses[]): ProductPasses {
  const temporaries: Record<string, number> = {};
  for (const part of parts) {
    for (const [name, size] of Object.entries(part.temporaries))
      temporaries[name] = Math.max(size, temporaries[name] ?? 0);
  }
  return { temporaries, passes: parts.flatMap(({ passes }) => passes) };
}

/** logits = x[first…]·wᵀ + bias; what it writes into the padding has no meaning. */
function logitsOf(
  { V, C, width, bias, weight }: Head,
  { first, rows }: Chunk,
  tuning: Tuning,
): ProductPasses {
  return product(
    {
      a: { buffer: "x", width: C, top: first, layout: "outer" },
      b: { ...weight.place, width: C, layout: "outer" },
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
  { rowThreads, lanes }: Tuning,
): WgslPass {
  const each = (body: string) => `for (var c = t; c < V; c += ${rowThreads}) { ${body} }`;
  return kernel({
    key: `cross-entropy${grad ? " and gradient" : ""}${loss.add ? " add" : ""} ${rowThreads}`,
    reads: { targets: "targets", ...(grad && { dloss: "dloss" }) },
    writes: { logits: "logits", loss: "loss" },
    uniforms: { V, width, first },
    lanes,
    code: () => `${mostOver(rowThreads, lanes)}${totalOver(rowThreads, lanes)}
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
    const head = headOf(operands, tuning);
    const parts = chunksOf(head, held).map((chunk): ProductPasses => {
      const logits = logitsOf(head, chunk, tuning);
      return {
        temporaries: { logits: chunk.rows * head.width, ...logits.temporaries },
        passes: [...logits.passes, lossPass(head, chunk, loss, false, tuning)],
      };
    });
    return { adds: ["loss"], derived: head.weight.derived, ...inTurn(parts) };
  };

export const linearCrossEntropyGradBy =
  (held: number) =>
  (tuning: Tuning): Build<"linearCrossEntropyGrad"> =>
  (operands, _attributes, { loss, dx, dw, dbias }) => {
    const head = headOf(operands, tuning);
    const { V, C, width, weight } = head;
    const parts = chunksOf(head, held).flatMap((chunk): ProductPasses[] => {
      const { first, rows } = chunk;
      const dlogits = { buffer: "logits", width };
      return [
        logitsOf(head, chunk, tuning),
        {
          temporaries: { logits: rows * width },
          passes: [lossPass(head, chunk, loss, true, tuning)],
        },
        // Over the padding too, where dlogits is 0: the sums then go in whole vectors.
        product(
          {
            a: { ...dlogits, layout: "outer" },
            b: { ...weight.place, width: C, layout: "inner" },
            c: { buffer: "dx", width: C, top: first },
            add: dx.add,
            n: rows,
            m: C,
            k: width,
          },
          tuning.products,
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
        columnSums({
          key: "bias of head",
          reads: { dy: "logits" },
          rows,
          columns: V,
          width,
          sums: [{ value: "dy[at]", output: "dbias", add: dbias.add || first > 0 }],
        }),
      ];
    });
    return { adds: ["loss", "dx", "dw", "dbias"], derived: weight.derived, ...inTurn(parts) };
  };

export const linearCrossEntropy = linearCrossEntropyBy(HELD);
export const linearCrossEntropyGrad = linearCrossEntropyGradBy(HELD);
