/** Which data files are read, told by how their names end. */
import { RequestError } from "../errors.js";
import { isStandardInput, standardInputAsFile } from "../sources/standard-input.js";

const KINDS = ["bin", "txt", "jsonl", "parquet"] as const;
const PACKINGS = ["gz", "bz2"] as const;

/** What a file's name tells. */
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

/** Whether a path is an address. */
export function isUrl(path: string): boolean {
  return /^https?:\/\//i.test(path);
}

/** The kind of a file, by its name. @throws RequestError when the name ends like no file that is read. */
export function kindOf(path: string): DataKind {
  const kind = knownKind(path);
  if (!kind) throw new RequestError(`is none of the files that are read (${dataKindsText})`);
  if (kind.kind === "parquet" && isStandardInput(path)) {
    throw new RequestError("a parquet file is read from its end; give it by its name");
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
