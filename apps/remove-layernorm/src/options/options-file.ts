/** `--config FILE`: options by their names, such as a run's config.json; those of the command line are before them. */
import type { z } from "zod";
import type { Io } from "../terminal/io.js";
import { checkJson, readJson } from "../json/json.js";
import type { Provenance } from "../provenance/schema.js";

/** What a file says of something else than what the command line asks for is not asked for. */
const OVERRULED: Readonly<Record<string, readonly string[]>> = {
  backend: ["simd", "blasLibrary"],
  corpus: ["train", "validation"],
  textColumn: ["tokenColumn"],
  tokenColumn: ["textColumn"],
  model: ["preset", "modelConfig", "shape", "tokenizer"],
  preset: ["modelConfig", "shape", "model"],
  modelConfig: ["preset", "shape", "model"],
};

export interface OptionsRead<O> {
  /** The command line's, and below them the file's. */
  readonly options: O;
  /** Of the run that wrote the file. */
  readonly provenance?: Provenance | undefined;
}

/** @throws UsageError when there is no such file, or something is wrong in it. */
export async function withOptionsFile<O extends { readonly config?: string | undefined }>(
  commandLine: O,
  schema: z.ZodType<object>,
): Promise<OptionsRead<O>> {
  const { config: path } = commandLine;
  if (path === undefined) return { options: commandLine };
  const file = { ...checkJson(path, schema, await readJson(path)) } as Record<string, unknown>;
  const { command: _command, provenance, nativeBuild: _build, ...fields } = file;
  for (const [name, value] of Object.entries(commandLine)) {
    if (value === undefined || value === fields[name]) continue;
    for (const overruled of OVERRULED[name] ?? []) delete fields[overruled];
  }
  // The schema is that of these options and of a run's own fields.
  return { options: { ...fields, ...commandLine }, provenance: provenance as Provenance | undefined };
}

/** Says where what is read now is not what the run read whose config.json was given, though nothing else was asked for. */
export function sayOtherSources(
  io: Io,
  asked: object,
  before: Provenance | undefined,
  now: Provenance,
): void {
  if (!before) return;
  const given = (...names: readonly string[]) => names.some((name) => Reflect.get(asked, name) !== undefined);
  const say = (what: string) =>
    io.err(`--config: ${what} not what that run began with: the SHA-256 differs\n`);
  const weights = ({ model }: Provenance) => model?.weights.map(({ sha256 }) => sha256).join();
  if (!given("model") && weights(before) !== weights(now)) say("the model's weights are");
  if (given("corpus", "trainTokens", "validationTokens", "blockSize", "model", "tokenizer")) return;
  for (const [part, what] of [
    ["train", "the training tokens are"],
    ["validation", "the validation tokens are"],
  ] as const) {
    if (!given(part) && before.data[part].sha256 !== now.data[part].sha256) say(what);
  }
}
