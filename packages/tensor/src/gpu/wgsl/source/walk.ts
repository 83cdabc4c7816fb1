/** WGSL of operands that are walked in steps: sizes and strides are literals, so that divisions are by constants. */
import type { Walk } from "../../walk.js";

/** Statements that declare the place of each operand, `at_${name}`, of the value with the flat number `i`. */
export function places({ sizes, strides, offsets }: Walk): string {
  const steps: string[] = [];
  const at = new Map(Object.entries(offsets).map(([name, offset]) => [name, [`${offset}i`]]));
  let rest = "i";
  for (let d = sizes.length - 1; d >= 0; d--) {
    const index = d === 0 ? rest : `i${d}`;
    if (d > 0) steps.push(`let q${d} = ${rest} / ${sizes[d]}u; let ${index} = ${rest} % ${sizes[d]}u;`);
    for (const [name, terms] of at) {
      const stride = strides[name][d];
      if (stride !== 0) terms.push(`i32(${index}) * ${stride}i`);
    }
    rest = `q${d}`;
  }
  for (const [name, terms] of at) steps.push(`let at_${name} = u32(${terms.join(" + ")});`);
  return steps.join("\n  ");
}

/** What a kernel's text depends on beside its operators. A walk along all of the memory has no size. */
export function keyOf({ sizes, strides, offsets }: Walk): string {
  return `${sizes.slice(1).join()} ${JSON.stringify(strides)} ${JSON.stringify(offsets)}`;
}
