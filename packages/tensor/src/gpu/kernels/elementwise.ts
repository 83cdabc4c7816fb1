import type { Build, JsPass, Program } from "../program.js";
import { BLOCK, blocksOf, blockSums, FLAT, pass, sumOf, X } from "../source.js";

/** y = a + b, value by value. */
export function addPass(size: number): JsPass {
  return pass("add", {
    output: [size],
    reads: { a: FLAT, b: FLAT },
    writes: "y",
    body: `return a[${X}] + b[${X}];`,
  });
}

export const scale: Build<"scale"> = ({ x, by }, { factor }) => ({
  passes: [
    pass("scale", {
      output: [x.size],
      reads: { x: FLAT, ...(by && { by: FLAT }) },
      writes: "y",
      floats: { factor },
      body: `return x[${X}] * ${by ? "by[0] * " : ""}factor;`,
    }),
  ],
});

/** The sum of `term` over all values of x: blocks of blocks, until one thread can finish. */
export function total(op: string, size: number, writes: string, term: (value: string) => string): Program {
  const temporaries: Record<string, number> = {};
  const passes: JsPass[] = [];
  let from = "x";
  let count = size;
  const value = (at: string) => (from === "x" ? term(`x${at}`) : `${from}${at}`);
  while (count > BLOCK) {
    const to = `partial${passes.length}`;
    const spec = { size: count, blocked: [from], writes: to };
    passes.push(blockSums(op, spec, (at) => `sum += ${value(at)};`));
    count = blocksOf(count);
    temporaries[to] = count;
    from = to;
  }
  const body = `${sumOf("sum", count, (i) => value(`[${i}]`))} return sum;`;
  return {
    temporaries,
    passes: [...passes, pass(op, { output: [1], reads: { [from]: FLAT }, writes, body })],
  };
}

export const sum: Build<"sum"> = ({ x }) => total("sum", x.size, "y", (value) => value);

export const fill: Build<"fill"> = ({ x }, { value }) => ({
  temporaries: { filled: x.size },
  passes: [
    pass("fill", { output: [x.size], reads: {}, writes: "filled", floats: { value }, body: `return value;` }),
  ],
  replaces: { x: "filled" },
});
