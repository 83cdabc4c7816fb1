/** Numbers and times for the terminal. */
import type { Estimate } from "@normless/statistics";
import { NO_NUMBER, type RemovalRecipe } from "@normless/removal";

/** Seconds as `45s`, `3m10s`, `2h05m`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
}

/** A whole number with thousands apart: `1,690,624`. */
export function thousands(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** With its sign: `+0.0123`. */
export function difference(value: number): string {
  const size = Math.abs(value).toFixed(4);
  if (Number(size) === 0) return size;
  return `${value < 0 ? "−" : "+"}${size}`;
}

/** `0.0123 [0.0101, 0.0145]` */
export function withInterval({ value, interval }: Estimate, show: (value: number) => string): string {
  return show(value) + (interval ? ` [${show(interval.low)}, ${show(interval.high)}]` : "");
}

/** What a loss is called: the KL divergence from the original where a run is distilled. */
export function lossName({ loss }: Pick<RemovalRecipe, "loss">): "cross-entropy" | "KL" {
  return loss === "distillation" ? "KL" : "cross-entropy";
}

/** What a removal cost in the loss that is trained on: `cross-entropy +0.0123 nats at once`. */
export function costText(damage: number, loss: string): string {
  if (damage === NO_NUMBER) return `${loss} is no number without it`;
  return `${loss} ${difference(damage)} nats at once`;
}

/** A share: `12.3 %`. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** A difference of shares in percentage points, with its sign: `+1.23 pp`. */
export function percentagePoints(difference: number): string {
  const size = Math.abs(100 * difference).toFixed(2);
  if (Number(size) === 0) return `${size} pp`;
  return `${difference < 0 ? "−" : "+"}${size} pp`;
}

/** `12.3 MB` */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  return `${(count / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}
