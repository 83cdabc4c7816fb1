/** A run's provenance when it begins, and when another process goes on with it. */
import type { Backend } from "@normless/tensor";
import type { Corpus, FilesRead } from "../data/corpus.js";
import { repeatCommand, type Repeatable } from "./command.js";
import { thisProcess } from "./machine.js";
import { normlessCommand } from "../shell.js";
import type { Provenance } from "./schema.js";
import { dataFacts, modelFacts } from "./sources.js";

export interface Beginning extends Repeatable {
  readonly backend: Backend;
  readonly now: Date;
  /** Of the model that is run on, or trained. */
  readonly eot: number | undefined;
  /** Of the model that the run starts from; none where its weights are fresh. */
  readonly modelFolder?: string | undefined;
  readonly corpus: Corpus;
  readonly read: FilesRead;
}

export async function beginProvenance(beginning: Beginning): Promise<Provenance> {
  const { backend, now, eot, modelFolder, corpus, read } = beginning;
  return {
    model: modelFolder === undefined ? undefined : await modelFacts(modelFolder),
    data: await dataFacts(corpus, read, eot),
    command: repeatCommand(beginning),
    processes: [await thisProcess(backend, now)],
  };
}

/** @param resumed `change`: the options that change the run from here on, with the checkpoint that it goes on from */
export async function resumedProvenance(
  before: Provenance,
  {
    backend,
    now,
    command,
    change = [],
  }: Pick<Beginning, "backend" | "now" | "command"> & { readonly change?: readonly string[] | undefined },
): Promise<Provenance> {
  const processes = [...before.processes, await thisProcess(backend, now)];
  if (change.length === 0) return { ...before, processes };
  const then = normlessCommand([command, "--resume", "RUN", ...change]);
  return { ...before, processes, then: [...(before.then ?? []), then] };
}
