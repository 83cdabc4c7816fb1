/** Which data files are read, told by how their names end. */
import { UsageError } from "../errors.js";
import { isStandardInput, standardInputAsFile } from "./standard-input.js";

const KINDS = ["bin", "txt", "jsonl", "parquet"] as const;
const PACKINGS = ["gz", "bz2"] as const;

export interface DataKind {
  readonly kind: (typeof KINDS)[number];
  /** A parquet file packs its columns by itself. */
  readonly packed: (typeof PACKINGS)[number] | undefined;
}

/** `.bin`, `.bin.gz` and so on. */
export const dataEndings: readonly string[] = KINDS.flatMap((kind) => [
  `.${kind}`,
  ...(kind === "parquet" ? [] : PACKINGS.map((packing) => `.${kind}.${packing}`)),
]);

/** How errors name them. */
export const dataKindsText = ".bin, .txt, .jsonl, each also .gz or .bz2, and .parquet";

/** How help texts say what data are. */
export const dataText = `files, folders or https addresses (${dataKindsText}), or - for text from standard input`;

export function isUrl(path: string): boolean {
  return /^https?:\/\//i.test(path);
}

/** @throws UsageError when the name ends like no file that is read. */
export function kindOf(path: string): DataKind {
  const kind = knownKind(path);
  if (!kind) throw new UsageError(`is none of the files that are read (${dataKindsText})`);
  if (kind.kind === "parquet" && isStandardInput(path)) {
    throw new UsageError("a parquet file is read from its end; give it by its name");
  }
  return kind;
}

/** Whether a file's name ends like one that is read. */
export function isDataFile(path: string): boolean {
  return knownKind(path) !== undefined;
}

/** Whether it has rows with columns. */
export function hasColumns(path: string): boolean {
  const kind = knownKind(path)?.kind;
  return kind === "jsonl" || kind === "parquet";
}

function knownKind(path: string): DataKind | undefined {
  const name = standardInputAsFile(path) ?? (isUrl(path) ? new URL(path).pathname : path);
  const ending = dataEndings.find((known) => name.toLowerCase().endsWith(known));
  const [kind, packing] = ending?.slice(1).split(".") ?? [];
  const known = KINDS.find((one) => one === kind);
  return known && { kind: known, packed: PACKINGS.find((one) => one === packing) };
}
