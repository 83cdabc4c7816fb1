/** Figures as people read them. */

/** A loss: `2.3457`. */
export const nats = (value: number): string => value.toFixed(4);

/** A difference, with its sign, a true minus: `+0.0123`, `−0.0123`, `0.0000`. */
export function signed(value: number): string {
  const digits = Math.abs(value).toFixed(4);
  if (Number(digits) === 0) return digits;
  return `${value < 0 ? "−" : "+"}${digits}`;
}

export const count = (value: number): string => value.toLocaleString("en-US");

/** `850 kB`, `1.2 GB`; powers of 1000. */
export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(value, 1)) / 3)));
  return `${Number((value / 1000 ** power).toPrecision(3))} ${units[power]}`;
}

/** `43 s`, `12 min 05 s`, `3 h 07 min`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const pad = (value: number) => String(value).padStart(2, "0");
  if (whole < 60) return `${seconds < 10 ? seconds.toFixed(1) : whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}

/** Few digits for small rates and ratios: `6e-4`, `0.1`, `3.2e-7`. */
export function compact(value: number): string {
  if (value === 0 || (Math.abs(value) >= 0.001 && Math.abs(value) < 1e5)) {
    return String(Number(value.toPrecision(3)));
  }
  return value
    .toExponential(2)
    .replace(/\.?0*e/, "e")
    .replace("e+", "e");
}
