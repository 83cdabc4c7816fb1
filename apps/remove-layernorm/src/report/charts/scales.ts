/** Axes for plots: from figures to percent, with round ticks. */
import { scaleLinear, scaleLog } from "d3-scale";
import { compact } from "../page/format.js";
import type { Tick } from "./plot.js";

export interface Axis {
  /** Percent along the axis: from the left, or from the top where larger figures are higher. */
  readonly at: (value: number) => number;
  readonly ticks: readonly Tick[];
}

type Domain = readonly [low: number, high: number];

/** Steps, from left to right. */
export function stepAxis(steps: number, count = 8): Axis {
  const scale = scaleLinear([0, Math.max(steps, 1)], [0, 100]);
  const whole = scale.ticks(Math.min(count, steps)).filter(Number.isInteger);
  return { at: scale, ticks: whole.map((value) => ({ at: scale(value), label: String(value) })) };
}

/** Positions 0 to T − 1 from left to right, by factors of t + 1: the first ones have room, and 0 has a place. */
export function positionAxis(T: number): Axis {
  const scale = scaleLog([1 / 1.15, T * 1.15], [0, 100]);
  const at = (t: number) => scale(t + 1);
  const values: number[] = [];
  for (let t = 0; t < T; t = t === 0 ? 1 : t === 1 ? 2 : t < 8 ? 8 : t * 4) values.push(t);
  return { at, ticks: values.map((t) => ({ at: at(t), label: String(t) })) };
}

/** Upwards, with `count` ticks or so; the domain is widened to round figures. */
export function linearAxis(domain: Domain, count = 5): Axis {
  return linear(domain, [100, 0], count);
}

/** The same from left to right. */
export function acrossAxis(domain: Domain, count = 8): Axis {
  return linear(domain, [0, 100], count);
}

function linear([low, high]: Domain, range: [number, number], count: number): Axis {
  const margin = high > low ? (high - low) * 0.03 : Math.abs(low) * 0.1 || 1;
  const scale = scaleLinear([low - (low === 0 ? 0 : margin), high + margin], range);
  const format = scale.tickFormat(count);
  return {
    at: scale,
    ticks: scale.ticks(count).map((value) => ({ at: scale(value), label: format(value) })),
  };
}

/** Upwards by factors; ticks at 1, 2 and 5 times powers of ten, or at powers alone over many decades. */
export function logAxis(domain: Domain): Axis {
  return logarithmic(domain, [100, 0]);
}

/** The same from left to right. */
export function acrossLogAxis(domain: Domain): Axis {
  return logarithmic(domain, [0, 100]);
}

function logarithmic([low, high]: Domain, range: [number, number]): Axis {
  const scale = scaleLog([low / 1.15, high * 1.15], range);
  const digits = high / low > 300 ? [1] : [1, 2, 5];
  const first = Math.floor(Math.log10(low));
  const decades = Array.from({ length: Math.ceil(Math.log10(high)) - first + 1 }, (_, i) => first + i);
  const round = decades.flatMap((decade) => digits.map((digit) => Number(`${digit}e${decade}`)));
  const inside = round.filter((value) => scale(value) >= 0 && scale(value) <= 100);
  const values = inside.length > 1 ? inside : scale.ticks(4);
  return { at: scale, ticks: values.map((value) => ({ at: scale(value), label: compact(value) })) };
}

/** The smallest and the largest figure; non-finite ones do not count. @returns [0, 1] when there is none. */
export function extent(values: readonly number[]): Domain {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return [0, 1];
  return finite.reduce<Domain>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  );
}

/** The extent; without the outermost half percent at either end where that alone would flatten the rest. */
export function bulk(values: readonly number[]): Domain {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  const cut = Math.floor(sorted.length * 0.005);
  const [all, most] = [extent(sorted), extent(sorted.slice(cut, sorted.length - cut))];
  return all[1] - all[0] > 2 * (most[1] - most[0]) ? most : all;
}

/** Exponential moving average over about `span` values, with the start's bias taken out. */
export function smooth(values: readonly number[], span: number): number[] {
  const keep = 1 - 2 / (span + 1);
  let average = 0;
  let weight = 0;
  return values.map((value) => {
    if (!Number.isFinite(value)) return value;
    average = keep * average + (1 - keep) * value;
    weight = keep * weight + (1 - keep);
    return average / weight;
  });
}
