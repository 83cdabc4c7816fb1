/** What a run's result is called: LN-free, or how many of its norms are gone. */
import type { HostModel } from "@normless/gpt2";
import { describeSites, type Extent, type PlanEvent } from "@normless/removal";

/** How many of a model's norms there are when a run ends. */
interface Counts {
  readonly gone: number;
  readonly all: number;
}

function countsOf({ going, gone, staying }: Extent): Counts {
  return { gone: going.length + gone.length, all: going.length + gone.length + staying.length };
}

/** Whether no LayerNorm is left when the run ends. */
export function isWhole({ staying }: Extent): boolean {
  return staying.length === 0;
}

/** `LN-free`, or `7 of 19 norms gone`. */
export function resultName(extent: Extent): string {
  const { gone, all } = countsOf(extent);
  return isWhole(extent) ? "LN-free" : `${gone} of ${all} norms gone`;
}

/** The same as a beginning: `Without LayerNorm`, or `With 7 of its 19 norms gone`. */
export function withoutThem(extent: Extent): string {
  const { gone, all } = countsOf(extent);
  return isWhole(extent) ? "Without LayerNorm" : `With ${gone} of its ${all} norms gone`;
}

/** `without LayerNorm`, or `without 7 of its 19 LayerNorms`. */
export function withoutLayerNorm(extent: Extent): string {
  const { gone, all } = countsOf(extent);
  return isWhole(extent) ? "without LayerNorm" : `without ${gone} of its ${all} LayerNorms`;
}

/** Which norms go, which went before, and which stay, in the patterns that `--sites` takes; nothing where all go. */
export function extentRows({ sites, config }: Pick<PlanEvent, "sites" | "config">): [string, string][] {
  const { going, gone, staying } = sites;
  if (gone.length + staying.length === 0) return [];
  const row = (name: string, some: readonly (typeof going)[number][]): [string, string][] =>
    some.length > 0 ? [[name, `${some.length}: ${describeSites(some, config)}`]] : [];
  return [...row("norms that go", going), ...row("gone before", gone), ...row("that stay", staying)];
}

/** Why there is no form for stock software of a model; undefined where there may be one. */
export function noStockForm({ staying }: Extent, { norms }: Pick<HostModel, "norms">): string | undefined {
  if (staying.length > 0) {
    const left = staying.length === 1 ? "the LayerNorm that is" : `the ${staying.length} LayerNorms that are`;
    return (
      "a GPT2LMHeadModel has one epsilon for all of its norms, and 1e12, which turns a frozen one into a constant, would " +
      `turn ${left} left into constants, too`
    );
  }
  if (norms["ln_f"].kind !== "folded") return undefined;
  return "its ln_f was folded before, and with that its head has a bias, for which a GPT2LMHeadModel has no place";
}
