/**
 * Which norms a run removes, as a recipe says it: by their full names (`h.3.ln_1:qk`) or by short patterns (`h.3`, `ln_2`,
 * `h.0-3.ln_1:v`), of a model that may have lost some already.
 */
import { type Gpt2Config, type NormSite, normSites, type NormTable } from "@normless/gpt2";
import { closestMatch } from "leven";
import { RecipeError } from "@normless/train";
import type { RemovalRecipe } from "./recipe.js";

/** The model that a plan is for. */
export interface PlannedModel extends Pick<Gpt2Config, "layers"> {
  /** As the run finds them; by default LayerNorm everywhere. */
  readonly norms?: NormTable | undefined;
}

const KINDS = ["ln_1:qk", "ln_1:v", "ln_2"] as const;
type Kind = (typeof KINDS)[number];

const PATTERNS = "a pattern such as h.3, ln_2, h.*.ln_1 or h.0-3.ln_1:v";
const KIND = "ln_1(?::(?:qk|v))?|ln_2";
const PATTERN = new RegExp(
  String.raw`^(?:ln_f|h\.(?<blocks>\*|(?<from>\d+)(?:-(?<to>\d+))?)(?:\.(?<kind>${KIND}))?|(?<every>${KIND}))$`,
);

/**
 * The norms that go, in the order of the forward pass: those that the recipe names, or all that are there.
 * @throws RecipeError naming the first name that is no site's or has no norm any more, and the nearest right one.
 */
export function sitesToGo({ sites }: Pick<RemovalRecipe, "sites">, model: PlannedModel): NormSite[] {
  const all = normSites(model);
  const standing = all.filter((site) => !model.norms || model.norms[site].kind === "standard");
  if (standing.length === 0)
    throw new RecipeError("no LayerNorm is left in the model", "model", "one that has some");
  if (sites === undefined) return standing;
  const asked = new Set<NormSite>();
  for (const pattern of sites) {
    const named = matchSites(pattern, model);
    const there = named.filter((site) => standing.includes(site));
    if (there.length === 0) {
      const what = named.length === 1 ? pattern : `every norm of "${pattern}"`;
      const left = `what is left: ${describeSites(standing, model)}`;
      throw new RecipeError(`${what} is gone already`, "sites", left);
    }
    there.forEach((site) => asked.add(site));
  }
  return all.filter((site) => asked.has(site));
}

/** How much of a model a run takes. */
export interface Extent {
  readonly going: readonly NormSite[];
  /** Frozen or folded when the run begins. */
  readonly gone: readonly NormSite[];
  /** LayerNorms that are there when it ends. */
  readonly staying: readonly NormSite[];
}

/** @throws RecipeError as sitesToGo */
export function extentOf(recipe: Pick<RemovalRecipe, "sites">, model: PlannedModel): Extent {
  const going = sitesToGo(recipe, model);
  const rest = normSites(model).filter((site) => !going.includes(site));
  const isGone = (site: NormSite) => model.norms !== undefined && model.norms[site].kind !== "standard";
  return { going, gone: rest.filter(isGone), staying: rest.filter((site) => !isGone(site)) };
}

/** The sites of one name or pattern. @throws RecipeError */
export function matchSites(pattern: string, { layers }: Pick<Gpt2Config, "layers">): NormSite[] {
  const found = PATTERN.exec(pattern)?.groups;
  if (!found) {
    const near = closestMatch(pattern, namesOf(layers), { maxDistance: 3 });
    const fix = `${near ?? "a site such as h.3.ln_2"}, or ${PATTERNS}`;
    throw new RecipeError(`there is no norm "${pattern}"`, "sites", fix);
  }
  const { blocks, from, to = from, kind = found["every"] } = found;
  if (pattern === "ln_f") return ["ln_f"];
  const [first, last] = blocks === undefined || blocks === "*" ? [0, layers - 1] : [Number(from), Number(to)];
  if (first > last) {
    throw new RecipeError(
      `"${pattern}" ends before it begins`,
      "sites",
      pattern.replace(blocks, `${to}-${from}`),
    );
  }
  if (last >= layers) {
    const problem = `there is no block h.${last} for "${pattern}": the model has ${layers} layers, h.0 to h.${layers - 1}`;
    const right = first < layers && first !== last ? `${first}-${layers - 1}` : String(layers - 1);
    throw new RecipeError(problem, "sites", pattern.replace(blocks, right));
  }
  const isKind = (one: string) => kind === undefined || one === kind || one.startsWith(`${kind}:`);
  return normSites({ layers }).filter((site) => {
    const [, block, own] = /^h\.(\d+)\.(.+)$/.exec(site) ?? [];
    return own !== undefined && Number(block) >= first && Number(block) <= last && isKind(own);
  });
}

/** Names that somebody may have meant. */
function namesOf(layers: number): string[] {
  const modules = Array.from({ length: layers }, (_, i) => [`h.${i}`, `h.${i}.ln_1`]).flat();
  const kinds = ["ln_1", ...KINDS];
  return [...normSites({ layers }), ...modules, "h.*", ...kinds, ...kinds.map((kind) => `h.*.${kind}`)];
}

/** Sites in the fewest words, which are patterns: `h.0-3.ln_2, ln_f`; and `all` of them. */
export function describeSites(sites: readonly NormSite[], { layers }: Pick<Gpt2Config, "layers">): string {
  if (sites.length === 3 * layers + 1) return "all";
  const blocksOf = (kind: Kind) => range(layers).filter((i) => sites.includes(`h.${i}.${kind}`));
  const [qk, v, mlp] = KINDS.map(blocksOf);
  const both = qk.filter((i) => v.includes(i));
  const whole = both.filter((i) => mlp.includes(i));
  const parts: [readonly number[], string][] = [
    [whole, ""],
    [without(both, whole), ".ln_1"],
    [without(qk, both), ".ln_1:qk"],
    [without(v, both), ".ln_1:v"],
    [without(mlp, whole), ".ln_2"],
  ];
  const text = parts.flatMap(([blocks, kind]) => {
    const all = blocks.length === layers && layers > 1;
    return (all ? ["*"] : runsOf(blocks)).map((run) => `h.${run}${kind}`);
  });
  return [...text, ...(sites.includes("ln_f") ? ["ln_f"] : [])].join(", ");
}

const range = (length: number) => Array.from({ length }, (_, i) => i);
const without = (a: readonly number[], b: readonly number[]) => a.filter((i) => !b.includes(i));

/** 0, 1, 2, 5 → `0-2`, `5`. */
function runsOf(numbers: readonly number[]): string[] {
  const runs: [number, number][] = [];
  for (const n of numbers) {
    const last = runs.at(-1);
    if (last?.[1] === n - 1) last[1] = n;
    else runs.push([n, n]);
  }
  return runs.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`));
}
