/**
 * Constants to freeze norms at, out of a JSON file: ours by site or module, or the std dictionaries of the published
 * code, by TransformerLens's hooks (`std_dicts.py` of ApolloResearch/gpt2_noLN, `gpt2_std_dicts.json` and its
 * siblings of submarat/removing-layer-norm).
 */
import {
  type Gpt2Config,
  moduleOf,
  type NormModule,
  normModules,
  type NormSite,
  type NormTable,
  replaceNorm,
} from "@normless/gpt2";
import { frozenNorm } from "@normless/layernorm";
import type { PerClass } from "@normless/tensor";
import { z } from "zod";
import { messageOf, UsageError } from "../errors.js";
import { checkJson, isObject, readJson } from "../json/json.js";
import { didYouMean, nearest } from "../options/nearest.js";
import { normConstantsSchema } from "../json/schemas.js";

/** What `--norms` takes, for help texts and errors. */
export const NORM_CONSTANTS = `
--norms holds constants by site, {"h.0.ln_2": 1.3, "h.0.ln_1:qk": {"first": 9, "eot": 9, "rest": 1.2}}; those sites
divide by them. A module's name, "h.0.ln_1", stands for both of its paths, :qk and :v. Or it is a std dictionary of
the published code, {"std_dict": {"blocks.0.hook_resid_pre": 0.17, "blocks.0.hook_resid_mid": 1.2, ...}}: the pre of
a block is its ln_1's, the mid its ln_2's, the post of the last block ln_f's. A "std_bos_dict" beside it holds the
constants of the first position, which end-of-text has, too, on the value path.`;

/** The table with the sites that the file names frozen. @throws UsageError naming the file and what is wrong in it. */
export async function freezeAt(
  path: string | undefined,
  { config, norms }: { readonly config: Gpt2Config; readonly norms: NormTable },
): Promise<NormTable> {
  if (path === undefined) return norms;
  const json = await readJson(path);
  const dictionary = asDictionary(json);
  if (dictionary) return replaceAll(path, norms, constantsOf(path, dictionary, config));
  try {
    return replaceAll(path, norms, checkJson(path, normConstantsSchema, json));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${messageOf(error)}\n${NORM_CONSTANTS.trim()}`, { cause: error });
  }
}

function replaceAll(
  path: string,
  norms: NormTable,
  constants: Readonly<Record<string, PerClass | number>>,
): NormTable {
  let frozen = norms;
  for (const [name, std] of Object.entries(constants)) {
    const sites = Object.keys(norms).filter((site) => site === name || moduleOf(site as NormSite) === name);
    if (sites.length === 0) {
      const known = Object.keys(norms);
      const meant = didYouMean(name, [...known, ...known.map((site) => moduleOf(site as NormSite))]);
      throw new UsageError(
        `${path}: there is no norm site "${name}"; the sites are ${known.join(", ")}.${meant}`,
      );
    }
    for (const site of sites) {
      if (norms[site].kind === "folded")
        throw new UsageError(`${path}: ${site} is folded; it has no norm to freeze`);
      frozen = replaceNorm(frozen, site, frozenNorm(std));
    }
  }
  return frozen;
}

const hooks = z.record(z.string(), z.number().positive());
const HOOK = /^blocks\.(\d+)\.hook_resid_(pre|mid|post)$/;
const dictionarySchema = z.strictObject({ std_dict: hooks, std_bos_dict: hooks.optional() });

/** The 2024 file holds the dictionary itself. */
function asDictionary(json: unknown): unknown {
  if (!isObject(json)) return undefined;
  const names = Object.keys(dictionarySchema.shape);
  if (Object.keys(json).some((key) => nearest(key, names) !== undefined)) return json;
  return Object.keys(json).some((key) => key.startsWith("blocks.")) ? { std_dict: json } : undefined;
}

/** By site, so that the value path can have its own constant at end-of-text. */
function constantsOf(path: string, json: unknown, config: Gpt2Config): Record<string, PerClass> {
  const { std_dict, std_bos_dict } = checkJson(path, dictionarySchema, json);
  const need = (dictionary: Readonly<Record<string, number>>, name: string, module: NormModule) => {
    const hook = hookOf(module, config.layers);
    const std = dictionary[hook];
    if (std !== undefined) return std;
    throw new UsageError(`${path}: ${name} has no "${hook}", which the norm ${module} reads`);
  };
  const { layers } = config;
  for (const hook of Object.keys({ ...std_dict, ...std_bos_dict })) {
    const [, block] = HOOK.exec(hook) ?? [];
    if (block === undefined) {
      const meant = didYouMean(hook, hooksOf(layers));
      throw new UsageError(`${path}: "${hook}" is no name like blocks.0.hook_resid_pre.${meant}`);
    }
    if (Number(block) >= layers) {
      throw new UsageError(`${path}: std_dict has "${hook}", and the model has ${layers} layers`);
    }
  }
  const constants = normModules(config).flatMap((module): [string, PerClass][] => {
    const rest = need(std_dict, "std_dict", module);
    const first = std_bos_dict ? need(std_bos_dict, "std_bos_dict", module) : rest;
    const plain = { first, eot: rest, rest };
    if (!module.endsWith("ln_1")) return [[module, plain]];
    return [
      [`${module}:qk`, plain],
      [`${module}:v`, { ...plain, eot: first }],
    ];
  });
  return Object.fromEntries(constants);
}

function hooksOf(layers: number): string[] {
  return Array.from({ length: layers }, (_, i) =>
    ["pre", "mid", "post"].map((place) => `blocks.${i}.hook_resid_${place}`),
  ).flat();
}

/** The residual that a norm reads, as TransformerLens names it. */
function hookOf(module: NormModule, layers: number): string {
  if (module === "ln_f") return `blocks.${layers - 1}.hook_resid_post`;
  const [, layer, name] = module.split(".");
  return `blocks.${layer}.hook_resid_${name === "ln_1" ? "pre" : "mid"}`;
}
