/**
 * The head and its loss. Forward, a thread goes through 256 ids of a row, so that rows × V/256 values are kept for a
 * while; backward, dlogits are made for some rows at a time.
 */
import { rowsOf } from "../../shape.js";
import type { InputsOf } from "../../kernels/index.js";
import type { Build, JsPass, Operand } from "../program.js";
import { BLOCK, blocksOf, FLAT, logSumExp, pass, sumOf, X, Y } from "../source.js";

/** Of each row of x, `lse`, the log of its summed exponentials, and `loss`. */
function lossOf({ x, w, bias }: Pick<InputsOf<"linearCrossEntropy", Operand>, "x" | "w" | "bias">) {
  const N = rowsOf(x.shape);
  const [V, C] = w.shape;
  const blocks = blocksOf(V);
  const size = Math.min(BLOCK, V);
  const t = (i: string) => `(${X} * ${size} + ${i})`;
  const product = (name: string, n: string, id: string) =>
    sumOf(name, C, (c) => `x[${n}][${c}] * w[${id}][${c}]`);
  return {
    temporaries: { partial: N * blocks, lse: N },
    passes: [
      pass("linearCrossEntropy", {
        output: [blocks, N],
        reads: { x: C, w: C, ...(bias && { bias: FLAT }) },
        writes: "partial",
        body: `${logSumExp(
          "lse",
          size,
          (i) => `${product("logit", Y, t(i))} let lse_value = logit${bias ? ` + bias[${t(i)}]` : ""};`,
          (i) => (V % size === 0 ? "" : `${t(i)} < ${V}`),
        )} return lse;`,
      }),
      pass("linearCrossEntropy", {
        output: [N],
        reads: { partial: blocks },
        writes: "lse",
        body: `${logSumExp("lse", blocks, (i) => `let lse_value = partial[${X}][${i}];`)} return lse;`,
      }),
      pass("linearCrossEntropy", {
        output: [N],
        reads: { x: C, w: C, ...(bias && { bias: FLAT }), targets: FLAT, lse: FLAT },
        writes: "loss",
        body: `${product("logit", X, `targets[${X}]`)}
          return lse[${X}] - logit${bias ? ` - bias[targets[${X}]]` : ""};`,
      }),
    ],
  };
}

export const linearCrossEntropy: Build<"linearCrossEntropy"> = lossOf;

/** The loss and its gradient with at most so many dlogits at once (but a row's, at least). */
export const linearCrossEntropyGradBy =
  (dlogits: number): Build<"linearCrossEntropyGrad"> =>
  ({ x, w, bias }) => {
    const N = rowsOf(x.shape);
    const [V, C] = w.shape;
    const rowsAtOnce = Math.max(1, Math.min(N, Math.floor(dlogits / V)));
    const chunks = Math.ceil(N / rowsAtOnce);
    const forward = lossOf({ x, w, bias });
    const passes: JsPass[] = [...forward.passes];
    for (let chunk = 0; chunk < chunks; chunk++) {
      const first = chunk * rowsAtOnce;
      const rows = Math.min(rowsAtOnce, N - first);
      // What came of the chunks before goes to and fro between an output and its twin; the last one writes the output.
      const names = (output: string) => {
        const [writes, before] =
          (chunks - chunk) % 2 === 1 ? [output, `${output}Before`] : [`${output}Before`, output];
        return { writes, before, reads: first > 0 ? { [before]: output === "dbias" ? FLAT : C } : {} };
      };
      const dx = names("dx");
      const dw = names("dw");
      const dbias = names("dbias");
      passes.push(
        pass("linearCrossEntropyGrad", {
          output: [V, rows],
          reads: { dloss: FLAT, x: C, w: C, ...(bias && { bias: FLAT }), targets: FLAT, lse: FLAT },
          writes: "dlogits",
          floats: { first },
          body: `let n = ${Y} + first;
          ${sumOf("logit", C, (c) => `x[n][${c}] * w[${X}][${c}]`)}
          let g = Math.exp(logit ${bias ? `+ bias[${X}] ` : ""}- lse[n]);
          if (Math.abs(targets[n] - ${X}) < 0.5) { g = g - 1; }
          return g * dloss[n];`,
        }),
        pass("linearCrossEntropyGrad", {
          output: [C, N],
          reads: { dlogits: V, w: C, ...dx.reads },
          writes: dx.writes,
          floats: { first },
          body: `let n = ${Y} - first;
          let result = 0;
          ${first > 0 ? `result = ${dx.before}[${Y}][${X}];` : ""}
          if (n >= 0 && n < ${rows}) { ${sumOf("sum", V, (t) => `dlogits[n][${t}] * w[${t}][${X}]`)} result = sum; }
          return result;`,
        }),
        pass("linearCrossEntropyGrad", {
          output: [C, V],
          reads: { dlogits: V, x: C, ...dw.reads },
          writes: dw.writes,
          floats: { first },
          body: `${sumOf("sum", rows, (n) => `dlogits[${n}][${Y}] * x[${n} + first][${X}]`)}
          return sum${first > 0 ? ` + ${dw.before}[${Y}][${X}]` : ""};`,
        }),
        pass("linearCrossEntropyGrad", {
          output: [V],
          reads: { dlogits: V, ...dbias.reads },
          writes: dbias.writes,
          body: `${sumOf("sum", rows, (n) => `dlogits[${n}][${X}]`)}
          return sum${first > 0 ? ` + ${dbias.before}[${X}]` : ""};`,
        }),
      );
    }
    return {
      temporaries: {
        ...forward.temporaries,
        dlogits: rowsAtOnce * V,
        ...(chunks > 1 && { dxBefore: N * C, dwBefore: V * C, dbiasBefore: V }),
      },
      passes,
    };
  };

/** 64 MiB of dlogits. */
export const linearCrossEntropyGrad = linearCrossEntropyGradBy(1 << 24);
