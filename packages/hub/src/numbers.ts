/** Numbers as messages show them. */

/** A whole number with thousands apart: `1,690,624`. */
export function thousands(value: number): string {
  return value.toLocaleString("en-US");
}

/** `12.3 MB` */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  return `${(count / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
