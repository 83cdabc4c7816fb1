/**
 * Where a run comes from, as its config.json has it from the start and summary.json, report and model cards repeat it:
 * enough to do it again elsewhere. No name of a host or a user, and no path of somebody's home.
 */
import { z } from "zod";

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "expected a SHA-256 in hex");
const count = z.int().min(0);
const date = z.iso.datetime();

/** A file as it lies on the disk. */
const file = z.strictObject({ name: z.string(), bytes: count, sha256 });

const model = z.strictObject({
  /** A folder's name, or a name on the hub. */
  name: z.string(),
  /** Of a model from the hub: the commit. */
  revision: z.string().optional(),
  /** The files that hold its weights. */
  weights: z.array(file),
});

const dataFile = z.strictObject({
  /** A path or an address. */
  name: z.string(),
  /** Of the whole file; absent for addresses, of which only a part may have been fetched. */
  bytes: count.optional(),
  sha256: sha256.optional(),
  /** What was read of it: tokens, and rows where a file has any. */
  tokens: count,
  rows: count.optional(),
});
const part = z.strictObject({
  files: z.array(dataFile),
  tokens: count,
  /** End-of-texts among them; absent where the model has none. */
  documents: count.optional(),
  /** Of the tokens, two bytes each, the lower first. */
  sha256,
});

/** One process that worked on the run: the first began it, each other one went on with it. */
const processSchema = z.strictObject({
  began: date,
  normless: z.string(),
  /** The commit of a clone, with a + where files of it had changed. */
  commit: z.string().optional(),
  /** Versions of the workspace packages. */
  packages: z.record(z.string(), z.string()),
  node: z.string(),
  engine: z.string(),
  threads: z.int().min(1).optional(),
  system: z.string(),
  cpu: z.string(),
  cores: z.int().min(1),
  memoryBytes: count,
});

export const provenanceSchema = z.strictObject({
  /** What the run started from; a training from fresh weights has none. */
  model: model.optional(),
  data: z.strictObject({ train: part, validation: part }),
  /** A command line that does the same again. */
  command: z.string(),
  /** Where the run went on otherwise: the command lines that told it to, in that order. */
  then: z.array(z.string()).optional(),
  processes: z.array(processSchema).min(1),
});

export type FileFacts = z.infer<typeof file>;
export type ModelFacts = z.infer<typeof model>;
export type DataPart = z.infer<typeof part>;
export type ProcessFacts = z.infer<typeof processSchema>;
export type Provenance = z.infer<typeof provenanceSchema>;

/** The same at the end of a run. */
export interface EndedProvenance extends Provenance {
  /** ISO 8601, in UTC. */
  readonly ended: string;
}
