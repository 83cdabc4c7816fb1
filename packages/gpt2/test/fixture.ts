/**
 * Reads a folder of expected values as fixtures/make_fixtures.py writes it: a Hugging Face folder with
 * expected.safetensors and expected.json beside it. Not part of the package.
 */
import { foldedNorm, frozenNorm, type Norm } from "@normless/layernorm";
import { openStore, type Store } from "@normless/safetensors";
import {
  type Folder,
  gatherWeights,
  type Gpt2Config,
  type NormTable,
  normSites,
  readModel,
  standardNorms,
  type WeightsInMemory,
} from "../src/index.js";

/** Constants of one norm module by position class; a class without one uses `std`. */
interface Constants {
  readonly std: number;
  readonly std0: number;
  readonly stdEot: number;
}

interface Facts {
  readonly eot: number;
  readonly measured: Readonly<Record<string, Constants>>;
  readonly adamw: {
    readonly lr: number;
    readonly betas: readonly [number, number];
    readonly eps: number;
    readonly weight_decay: number;
    readonly clip: number;
    readonly losses: readonly number[];
    readonly grad_norms: readonly number[];
  };
}

export interface Fixture {
  readonly config: Gpt2Config;
  readonly weights: WeightsInMemory;
  readonly inputs: Int32Array;
  readonly targets: Int32Array;
  readonly B: number;
  readonly T: number;
  readonly facts: Facts;
  /** `TAG/loss` and `standard_aux/aux`. */
  readonly number: (name: string) => number;
  readonly expected: Store;
}

type Numbers = Readonly<Record<string, number>>;

async function source(folder: Folder, name: string) {
  const file = await folder.open(name);
  if (!file) throw new Error(`${folder.name} has no ${name}`);
  return file;
}

/** Every tensor of a store whose name begins with `prefix`, by the rest of its name. */
export async function tensorsUnder(from: Store, prefix: string): Promise<WeightsInMemory> {
  const names = from.names().filter((name) => name.startsWith(prefix));
  const entries = names.map(
    async (name) =>
      [
        name.slice(prefix.length),
        { shape: from.info(name).shape, data: await from.readFloat32(name) },
      ] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

/** The files of a fixture's folder. */
export const FIXTURE_FILES = [
  "config.json",
  "model.safetensors",
  "expected.json",
  "expected.safetensors",
] as const;

export async function readFixture(folder: Folder): Promise<Fixture> {
  const { config, weights } = await readModel(folder);
  const text = await source(folder, "expected.json");
  const bytes = await text.read(0, text.size);
  const facts = JSON.parse(new TextDecoder().decode(bytes)) as Facts & Numbers;
  const expected = await openStore([await source(folder, "expected.safetensors")]);
  const ids = async (name: string) => (await expected.readTensor(name)) as Int32Array;
  const [B, T] = expected.info("tokens").shape;
  return {
    config,
    weights: await gatherWeights(weights),
    inputs: await ids("tokens"),
    targets: await ids("targets"),
    B,
    T,
    facts,
    number: (name) => facts[name],
    expected,
  };
}

/** The norm table of each tag that there is, as make_fixtures.py defines them. */
export function normsOf(tag: string, { config, facts }: Fixture): NormTable {
  const full = (site: string) => facts.measured[site.split(":")[0]];
  const special = (site: string): Norm => {
    const { std, std0, stdEot } = full(site);
    return frozenNorm({ first: std0, eot: stdEot, rest: std });
  };
  const noEot = (site: string): Norm => {
    const { std, std0 } = full(site);
    return frozenNorm({ first: std0, eot: std, rest: std });
  };
  const unequal = (site: string): Norm => {
    const factor = site.endsWith(":qk") ? 1.25 : site.endsWith(":v") ? 0.8 : 1;
    return frozenNorm(full(site).std * factor);
  };
  const sites = normSites(config);
  const table = (chosen: readonly string[], norm: (site: string) => Norm) =>
    Object.fromEntries(chosen.map((site) => [site, norm(site)]));
  const standard = standardNorms(config);
  switch (tag) {
    case "frozen_ln2_first":
      return { ...standard, ...table(["h.0.ln_2"], special) };
    case "frozen_ln1qk_first":
      return { ...standard, ...table(["h.0.ln_1:qk"], noEot) };
    case "frozen_ln1v_all":
      return {
        ...standard,
        ...table(
          sites.filter((site) => site.endsWith(":v")),
          special,
        ),
      };
    case "frozen_all_special":
      return table(sites, special);
    case "frozen_all_plain":
      return table(sites, (site) => frozenNorm(full(site).std));
    case "frozen_all_unequal":
      return table(sites, unequal);
    case "folded":
      return table(sites, () => foldedNorm);
    default:
      return standard;
  }
}
