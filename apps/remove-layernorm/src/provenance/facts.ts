/** Where a run comes from, in words: rows of a name and what is so called, for the report, a model card, a terminal. */
import type { TrainingRecipe } from "@normless/train";
import { bytes, thousands } from "../terminal/format.js";
import type { DataPart, EndedProvenance, FileFacts, ProcessFacts, Provenance } from "./schema.js";

export type Fact = readonly [name: string, value: string];

/** So many files of a part of the data are named; the rest are counted. */
const NAMED = 4;

export function sourceFacts({ model, data }: Provenance, recipe: TrainingRecipe): Fact[] {
  const { steps, batchSize, blockSize, seed } = recipe;
  const named: Fact[] = model
    ? [
        ["model", model.revision === undefined ? model.name : `${model.name}, commit ${model.revision}`],
        ...model.weights.map((file): Fact => ["weights", fileText(file)]),
      ]
    : [];
  return [
    ...named,
    ...partFacts("training data", data.train),
    ...partFacts("validation data", data.validation),
    ["trained on", `${thousands(steps * batchSize)} rows of ${blockSize} tokens`],
    ["seed", String(seed)],
  ];
}

function partFacts(name: string, { files, tokens, documents, sha256 }: DataPart): Fact[] {
  const shown = files.slice(0, NAMED).map((file) => {
    const rows = file.rows === undefined ? "" : `, ${thousands(file.rows)} rows`;
    const hash = file.sha256 === undefined ? "" : `, sha256 ${file.sha256}`;
    return `${file.name}${hash}: ${thousands(file.tokens)} tokens read${rows}`;
  });
  if (files.length > NAMED) shown.push(`${files.length - NAMED} more files`);
  const of = documents === undefined ? "" : `, ${thousands(documents)} of them end-of-text`;
  return [
    [name, shown.join("; ")],
    [`${name}, tokens`, `${thousands(tokens)}${of}; sha256 of their uint16 ${sha256}`],
  ];
}

function fileText({ name, bytes: size, sha256 }: FileFacts): string {
  return `${name}, ${bytes(size)}, sha256 ${sha256}`;
}

/** Code, engine and machine, once for each that a run had. */
export function processFacts({ processes }: Provenance): Fact[] {
  const facts: Fact[] = [];
  for (const of of [codeText, engineText, machineText]) {
    const [name] = of(processes[0]);
    const values = new Set(processes.map((one) => of(one)[1]));
    facts.push([name, [...values].join("; then ")]);
  }
  return facts;
}

function codeText({ normless, commit, packages, node }: ProcessFacts): Fact {
  const clone = commit === undefined ? "" : ` (commit ${commit.replace("+", ", with changes")})`;
  const parts = Object.entries(packages).filter(([, version]) => version !== normless);
  const others =
    parts.length === 0 ? "" : `, ${parts.map(([name, version]) => `${name} ${version}`).join(", ")}`;
  const all = parts.length === 0 ? ", its packages the same" : "";
  return ["versions", `normless ${normless}${clone}${all}${others}; Node ${node}`];
}

function engineText({ engine }: ProcessFacts): Fact {
  return ["engine", engine];
}

function machineText({ system, cpu, cores, memoryBytes }: ProcessFacts): Fact {
  const memory = `${(memoryBytes / 2 ** 30).toFixed(0)} GiB`;
  return ["machine", `${cpu}, ${cores} ${cores === 1 ? "core" : "cores"}, ${memory}, ${system}`];
}

/** When it was begun, gone on with and ended, in UTC. */
export function dateFacts({ processes, ended }: Provenance & Partial<EndedProvenance>): Fact[] {
  const [began, ...resumed] = processes.map((one) => utc(one.began));
  return [
    ["begun", began],
    ...(resumed.length > 0 ? [["resumed", resumed.join(", ")] satisfies Fact] : []),
    ...(ended === undefined ? [] : [["ended", utc(ended)] satisfies Fact]),
  ];
}

/** `2026-01-31 09:05:00 UTC` */
export function utc(date: string): string {
  return `${date.slice(0, 19).replace("T", " ")} UTC`;
}
