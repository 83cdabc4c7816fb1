/**
 * The head and its loss. Forward, a thread goes through 256 ids of a row, so that rows × V/256 values are kept for a
 * while; backward, logits are made for some rows at a time, and serve the loss and the gradient.
 */
import { rowsOf } from "../../shape.js";
import type { Build, JsPass } from "../program.js";
import { BLOCK, blocksOf, FLAT, logSumExp, pass, sumOf, X, Y } from "../source.js";

/** Statements that return the log of the summed exponentials of block X, of the V values that `value` declares. */
function blockLse(V: number, value: (id: string) => string): string {
  const size = Math.min(BLOCK, V);
  const id = (i: string) => `(${X} * ${size} + ${i})`;
  const where = (i: string) => (V % size === 0 ? "" : `${id(i)} < ${V}`);
  return `${logSumExp("lse", size, (i) => value(id(i)), where)} return lse;`;
}

/** The log of the summed exponentials of each row, from those of its blocks. */
function rowLse(op: string, rows: number, blocks: number): JsPass {
  return pass(op, {
    output: [rows],
    reads: { partial: blocks },
    writes: "lse",
    body: `${logSumExp("lse", blocks, (i) => `let lse_value = partial[${X}][${i}];`)} return lse;`,
  });
}

export const linearCrossEntropy: Build<"linearCrossEntropy"> = ({ x, w, bias }) => {
  const op = "linearCrossEntropy";
  const N = rowsOf(x.shape);
  const [V, C] = w.shape;
  const blocks = blocksOf(V);
  const product = (name: string, n: string, id: string) =>
    sumOf(name, C, (c) => `x[${n}][${c}] * w[${id}][${c}]`);
  return {
    temporaries: { partial: N * blocks, lse: N },
    passes: [
      pass(op, {
        output: [blocks, N],
        reads: { x: C, w: C, ...(bias && { bias: FLAT }) },
        writes: "partial",
        body: blockLse(
          V,
          (id) => `${product("logit", Y, id)} let lse_value = logit${bias ? ` + bias[${id}]` : ""};`,
        ),
      }),
      rowLse(op, N, blocks),
      pass(op, {
        output: [N],
        reads: { x: C, w: C, ...(bias && { bias: FLAT }), targets: FLAT, lse: FLAT },
        writes: "loss",
        body: `${product("logit", X, `targets[${X}]`)}
          return lse[${X}] - logit${bias ? ` - bias[targets[${X}]]` : ""};`,
      }),
    ],
  };
};

/** The loss and its gradient with at most so many logits at once (but a row's, at least). */
export const linearCrossEntropyGradBy =
  (limit: number): Build<"linearCrossEntropyGrad"> =>
  ({ x, w, bias }) => {
    const op = "linearCrossEntropyGrad";
    const N = rowsOf(x.shape);
    const [V, C] = w.shape;
    const blocks = blocksOf(V);
    const rowsAtOnce = Math.max(1, Math.min(N, Math.floor(limit / V)));
    const chunks = Math.ceil(N / rowsAtOnce);
    const passes: JsPass[] = [];
    for (let chunk = 0; chunk < chunks; chunk++) {
      const first = chunk * rowsAtOnce;
      const rows = Math.min(rowsAtOnce, N - first);
      const begun = first > 0;
      // What came of the chunks before goes to and fro between an output and its twin; the last one writes the output.
      const turns = (output: string, width: number) => {
        const twin = `${output}Before`;
        const [writes, before] = (chunks - chunk) % 2 === 1 ? [output, twin] : [twin, output];
        return { writes, before, reads: begun ? { [before]: width } : {} };
      };
      const [loss, dx, dw, dbias] = [
        turns("loss", FLAT),
        turns("dx", C),
        turns("dw", C),
        turns("dbias", FLAT),
      ];
      passes.push(
        pass(op, {
          output: [V, rows],
          reads: { x: C, w: C, ...(bias && { bias: FLAT }) },
          writes: "logits",
          floats: { first },
          body: `${sumOf("logit", C, (c) => `x[${Y} + first][${c}] * w[${X}][${c}]`)}
            return logit${bias ? ` + bias[${X}]` : ""};`,
        }),
        pass(op, {
          output: [blocks, rows],
          reads: { logits: V },
          writes: "partial",
          body: blockLse(V, (id) => `let lse_value = logits[${Y}][${id}];`),
        }),
        rowLse(op, rows, blocks),
        // Threads of other rows read a row of the chunk too, and do not use it: none may read outside.
        pass(op, {
          output: [N],
          reads: { logits: V, lse: FLAT, targets: FLAT, ...loss.reads },
          writes: loss.writes,
          floats: { first },
          body: `let n = Math.min(Math.max(${X} - first, 0), ${rows - 1});
            let result = lse[n] - logits[n][targets[${X}]];
            ${begun ? `if (${X} < first) { result = ${loss.before}[${X}]; }` : ""}
            return result;`,
        }),
        pass(op, {
          output: [V, rows],
          reads: { dloss: FLAT, logits: V, lse: FLAT, targets: FLAT },
          writes: "dlogits",
          floats: { first },
          body: `let g = Math.exp(logits[${Y}][${X}] - lse[${Y}]);
            if (Math.abs(targets[${Y} + first] - ${X}) < 0.5) { g = g - 1; }
            return g * dloss[${Y} + first];`,
        }),
        pass(op, {
          output: [C, N],
          reads: { dlogits: V, w: C, ...dx.reads },
          writes: dx.writes,
          floats: { first },
          body: `let n = ${Y} - first;
            let result = ${begun ? `${dx.before}[${Y}][${X}]` : "0"};
            if (n >= 0 && n < ${rows}) {
              ${sumOf("sum", V, (t) => `dlogits[n][${t}] * w[${t}][${X}]`)} result = sum;
            }
            return result;`,
        }),
        pass(op, {
          output: [C, V],
          reads: { dlogits: V, x: C, ...dw.reads },
          writes: dw.writes,
          floats: { first },
          body: `${sumOf("sum", rows, (n) => `dlogits[${n}][${Y}] * x[${n} + first][${X}]`)}
            return sum${begun ? ` + ${dw.before}[${Y}][${X}]` : ""};`,
        }),
        pass(op, {
          output: [V],
          reads: { dlogits: V, ...dbias.reads },
          writes: dbias.writes,
          body: `${sumOf("sum", rows, (n) => `dlogits[${n}][${X}]`)}
            return sum${begun ? ` + ${dbias.before}[${X}]` : ""};`,
        }),
      );
    }
    const most = rowsAtOnce;
    const twins = { lossBefore: N, dxBefore: N * C, dwBefore: V * C, dbiasBefore: V };
    return {
      temporaries: {
        ...{ logits: most * V, dlogits: most * V, partial: most * blocks, lse: most },
        ...(chunks > 1 && twins),
      },
      passes,
    };
  };

/** 64 MiB of logits, and as much of their gradient. */
export const linearCrossEntropyGrad = linearCrossEntropyGradBy(1 << 24);
