/** Results that are written or added to. */
import type { Program, Result, WgslPass } from "../program.js";
import { each } from "./pass.js";

/** `=` or `+=`. */
export const assign = ({ add }: Pick<Result, "add">) => (add ? "+=" : "=");

/** Marks which results are added to: part of a kernel's key. */
export const addBits = (...results: readonly Result[]) =>
  results.map(({ add }) => (add ? "+" : "=")).join("");

/** A kernel whose output is one expression of its index `i`. */
export function onto(
  key: string,
  reads: Readonly<Record<string, string>>,
  value: string,
  uniforms = {},
  helpers = "",
) {
  return (name: string, result: Result): Program => ({
    adds: [name],
    passes: [
      each(
        { key: `${key}${result.add ? " add" : ""}`, reads, writes: { out: name }, uniforms },
        result.size,
        `out[i] ${assign(result)} ${value};`,
        { helpers },
      ),
    ],
  });
}

/** Zeros, for an output that only a part of is written. */
export function zero(buffer: string, size: number): WgslPass {
  return each({ key: "zero", writes: { y: buffer } }, size, "y[i] = 0;");
}
