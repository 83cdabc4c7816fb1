/** What the head's kernels share: logits of some rows at a time, sums over a row in blocks of ids, and the way back. */
import { rowsOf } from "../../shape.js";
import type { JsPass, Operand } from "../program.js";
import { BLOCK, blocksOf, FLAT, logSumExp, pass, sumOf, X, Y } from "../source.js";

/** A head by the names of its buffers. */
export interface Head {
  readonly op: string;
  readonly x: string;
  readonly w: string;
  readonly bias: string | undefined;
  readonly V: number;
  readonly C: number;
}

/** Some rows of N, and how many chunks are left with this one. */
export interface Chunk {
  readonly N: number;
  readonly first: number;
  readonly rows: number;
  readonly left: number;
}

/** Chunks of at most so many logits (but a row's, at least), and the rows of the largest. */
export function chunksOf(N: number, V: number, limit: number): { chunks: Chunk[]; most: number } {
  const most = Math.max(1, Math.min(N, Math.floor(limit / V)));
  const count = Math.ceil(N / most);
  const chunks = Array.from({ length: count }, (_, i) => {
    const first = i * most;
    return { N, first, rows: Math.min(most, N - first), left: count - i };
  });
  return { chunks, most };
}

/** What came of the chunks before goes to and fro between an output and its twin; the last one writes the output. */
function turns(output: string, width: number, { first, left }: Chunk) {
  const twin = `${output}Before`;
  const [writes, before] = left % 2 === 1 ? [output, twin] : [twin, output];
  return { writes, before, reads: first > 0 ? { [before]: width } : {} };
}

/** Sizes of the twins, where there are several chunks. */
export function twinsOf({ x, w }: Readonly<Record<"x" | "w", Operand>>, chunks: readonly Chunk[]) {
  const sizes = { lossBefore: rowsOf(x.shape), dxBefore: x.size, dwBefore: w.size, dbiasBefore: w.shape[0] };
  return chunks.length > 1 ? sizes : {};
}

/** logits = x·wᵀ + bias for the rows of the chunk. */
export function logitsOf({ op, x, w, bias, V, C }: Head, { first, rows }: Chunk): JsPass {
  return pass(op, {
    output: [V, rows],
    reads: { [x]: C, [w]: C, ...(bias && { [bias]: FLAT }) },
    writes: "logits",
    floats: { first },
    body: `${sumOf("logit", C, (c) => `${x}[${Y} + first][${c}] * ${w}[${X}][${c}]`)}
            return logit${bias ? ` + ${bias}[${X}]` : ""};`,
  });
}

/** Block X of V ids: how many it has at most, which one is its `i`-th, and the condition that there is one, if it can fail. */
export function blockOf(V: number) {
  const size = Math.min(BLOCK, V);
  const id = (i: string) => `(${X} * ${size} + ${i})`;
  const where = (i: string) => (V % size === 0 ? "" : `${id(i)} < ${V}`);
  return { size, id, where };
}

/** Statements that return the log of the summed exponentials of block X, of the V values that `value` declares. */
export function blockLse(V: number, value: (id: string) => string): string {
  const { size, id, where } = blockOf(V);
  return `${logSumExp("lse", size, (i) => value(id(i)), where)} return lse;`;
}

/** The log of the summed exponentials of each row, from those of its blocks. */
export function rowLse(op: string, rows: number, V: number): JsPass {
  const blocks = blocksOf(V);
  return pass(op, {
    output: [rows],
    reads: { partial: blocks },
    writes: "lse",
    body: `${logSumExp("lse", blocks, (i) => `let lse_value = partial[${X}][${i}];`)} return lse;`,
  });
}

/** The loss of each row of the chunk, which `statements` declare as `result` for its row `n`, the row X of all. */
export function lossOf(
  { op }: Head,
  chunk: Chunk,
  reads: Readonly<Record<string, number>>,
  statements: string,
): JsPass {
  const { N, first, rows } = chunk;
  const loss = turns("loss", FLAT, chunk);
  // Threads of other rows read a row of the chunk too, and do not use it: none may read outside.
  return pass(op, {
    output: [N],
    reads: { ...reads, ...loss.reads },
    writes: loss.writes,
    floats: { first },
    body: `let n = Math.min(Math.max(${X} - first, 0), ${rows - 1});
            ${statements}
            ${first > 0 ? `if (${X} < first) { result = ${loss.before}[${X}]; }` : ""}
            return result;`,
  });
}

/** What the gradient of the chunk's logits, in the buffer `dlogits`, gives to dx, dw and dbias. */
export function gradientsOf({ op, x, w, V, C }: Head, chunk: Chunk, dlogits: string): JsPass[] {
  const { N, first, rows } = chunk;
  const begun = first > 0;
  const [dx, dw, dbias] = [turns("dx", C, chunk), turns("dw", C, chunk), turns("dbias", FLAT, chunk)];
  return [
    pass(op, {
      output: [C, N],
      reads: { [dlogits]: V, [w]: C, ...dx.reads },
      writes: dx.writes,
      floats: { first },
      body: `let n = ${Y} - first;
            let result = ${begun ? `${dx.before}[${Y}][${X}]` : "0"};
            if (n >= 0 && n < ${rows}) {
              ${sumOf("sum", V, (t) => `${dlogits}[n][${t}] * ${w}[${t}][${X}]`)} result = sum;
            }
            return result;`,
    }),
    pass(op, {
      output: [C, V],
      reads: { [dlogits]: V, [x]: C, ...dw.reads },
      writes: dw.writes,
      floats: { first },
      body: `${sumOf("sum", rows, (n) => `${dlogits}[${n}][${Y}] * ${x}[${n} + first][${X}]`)}
            return sum${begun ? ` + ${dw.before}[${Y}][${X}]` : ""};`,
    }),
    pass(op, {
      output: [V],
      reads: { [dlogits]: V, ...dbias.reads },
      writes: dbias.writes,
      body: `${sumOf("sum", rows, (n) => `${dlogits}[${n}][${X}]`)}
            return sum${begun ? ` + ${dbias.before}[${X}]` : ""};`,
    }),
  ];
}
