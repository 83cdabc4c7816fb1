/** Sizes as uniforms: those are floats, exact to 2^24, so that a size goes in two parts. A kernel then serves all sizes. */

/** Uniforms, and WGSL that declares each as a `u32` of its name. */
export function sizes(named: Readonly<Record<string, number>>) {
  const uniforms: Record<string, number> = {};
  for (const [name, size] of Object.entries(named)) {
    uniforms[`${name}_high`] = Math.floor(size / 65_536);
    uniforms[`${name}_low`] = size % 65_536;
  }
  const declare = Object.keys(named)
    .map((name) => `let ${name} = u32(u.${name}_high) * 65536u + u32(u.${name}_low);`)
    .join(" ");
  return { uniforms, declare };
}
