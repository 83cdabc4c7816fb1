/** Kernels of gpu.js whose results are made value by value from operands that are walked in steps. */
import { BackendError } from "../../errors.js";
import type { JsPass } from "../program.js";
import { divide, FLAT, pass, X } from "../source.js";
import type { Walk } from "../walk.js";

/** Whole numbers that `divide` takes apart exactly, and those that a float counts. */
const MOST_DIVIDED = 2 ** 23;
const MOST_COUNTED = 2 ** 24;

/** Statements that declare the place of each operand as `at_${name}`. */
function places({ sizes, strides, offsets }: Walk): string {
  const steps: string[] = [];
  const at = new Map(Object.entries(offsets).map(([name, offset]) => [name, [`${offset}`]]));
  let rest = X;
  for (let d = sizes.length - 1; d >= 0; d--) {
    const index = d === 0 ? rest : `i${d}`;
    if (d > 0) steps.push(divide(rest, sizes[d], `q${d}`, index));
    for (const [name, terms] of at) {
      const stride = strides[name][d];
      if (stride !== 0) terms.push(stride === 1 ? index : `${index} * ${stride}`);
    }
    rest = `q${d}`;
  }
  for (const [name, terms] of at) steps.push(`let at_${name} = ${terms.join(" + ")};`);
  return steps.join("\n");
}

/** What is made of the operands of a walk: `body` returns it and reads them as `x[at_x]`. */
export interface Walked {
  readonly walk: Walk;
  /** Values of each operand. */
  readonly operands: Readonly<Record<string, { readonly size: number }>>;
  readonly size: number;
  readonly writes: string;
  readonly floats?: Readonly<Record<string, number>>;
  readonly body: string;
}

/** The pass. @throws BackendError where float32 does not count as far as the walk goes */
export function walked(op: string, { walk, operands, size, writes, floats = {}, body }: Walked): JsPass {
  const names = Object.keys(operands);
  const plain =
    walk.sizes.length <= 1 && names.every((name) => walk.offsets[name] === 0 && isFlat(walk, name));
  if (!plain) {
    const largest = Math.max(...names.map((name) => operands[name].size));
    if (size > MOST_DIVIDED || largest > MOST_COUNTED) {
      throw new BackendError(
        `gpu: ${op} of ${largest} values to ${size}, in steps: kernels of gpu.js count to ${MOST_DIVIDED} there. ` +
          "Take less at once, or mode webgpu.",
      );
    }
  }
  const declared = plain
    ? names.map((name) => `let at_${name} = ${walk.strides[name][0] ? X : "0"};`).join(" ")
    : places(walk);
  return pass(op, {
    output: [size],
    reads: Object.fromEntries(names.map((name) => [name, FLAT])),
    writes,
    floats,
    body: `${declared}\n${body}`,
  });
}

const isFlat = ({ strides }: Walk, name: string) => [undefined, 0, 1].includes(strides[name][0]);
