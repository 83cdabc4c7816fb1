/** Kernels of gpu.js along N of (O,N,I): values are read in rows, whatever I is, and nothing counts past a row's number. */
import type { Shape } from "../../shape.js";
import { divide, X, Y } from "../source.js";

/** How a buffer of (O,N,I) is read: in rows of I, or of N where I is 1. */
export function axisReader(name: string, [, N, I]: Shape) {
  return {
    reads: { [name]: I === 1 ? N : I },
    /** The value at (o,n,i). */
    at: (o: string, n: string, i: string) =>
      I === 1 ? `${name}[${o}][${n}]` : `${name}[${o} * ${N} + ${n}][${i}]`,
  };
}

/** An output of (O,N,I): one of gpu.js, and statements that declare the thread's o, n and i. */
export function axisOutput([O, N, I]: Shape): {
  readonly output: readonly [number, number];
  readonly declare: string;
} {
  if (I === 1) return { output: [N, O], declare: `let o = ${Y}; let n = ${X}; let i = 0;` };
  return { output: [I, O * N], declare: `${divide(Y, N, "o", "n")} let i = ${X};` };
}

/** An output of (O,I). */
export function rowOutput([O, , I]: Shape): {
  readonly output: readonly [number] | readonly [number, number];
  readonly declare: string;
} {
  if (I === 1) return { output: [O], declare: `let o = ${X}; let i = 0;` };
  return { output: [I, O], declare: `let o = ${Y}; let i = ${X};` };
}

/** How a buffer of (O,I) is read by such threads. */
export function rowReader(name: string, [, , I]: Shape) {
  return { reads: { [name]: I }, at: `${name}[o][i]` };
}
