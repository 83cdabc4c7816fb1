/** `npm run bench:recipes`: every recipe on the model that ships, with several seeds; tables, and JSON where it is asked for. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { Command, Option } from "@commander-js/extra-typings";
import { type LoadedModel } from "@normless/gpt2";
import { readModelFolder } from "@normless/gpt2/node";
import type { Backend } from "@normless/tensor";
import { blas } from "@normless/tensor-blas";
import { wasm } from "@normless/tensor-wasm";
import { readShard } from "@normless/text";
import Terminal from "cli-table3";
import { type ControlResult, type RemovalRecipe, removeLayerNorm, type RunEvent } from "normless";
import { checkApart, inputFile, outputFile, threadCount, wholeNumber } from "../options.js";
import { withMarked } from "../readme.js";
import { unique } from "../results.js";
import { budgeted, type Contender, contenders, controlOf } from "./contenders.js";
import { renderRecipes } from "./page.js";
import { tablesOf } from "./tables.js";
import { gapOf, joinResults, parseRecipeResults, type RecipeResults, type RecipeRow } from "./results.js";

// From dist/, where this file is built to.
const root = fileURLToPath(new URL("../..", import.meta.url));
const MODEL = join(root, "models/sotu");
const RESULTS = join(root, "benchmarks/results/recipes.json");
const README = join(root, "apps/remove-layernorm/README.md");

const wholeNumbers = (least: number, most: number) => (text: string) =>
  unique(text.split(",").map(wholeNumber(least, most)));
const seedList = wholeNumbers(0, 2 ** 31 - 1);
const updates = wholeNumbers(1, 1_000_000);
const program = new Command("bench:recipes")
  .description(
    "Removes LayerNorm from the model that ships by every recipe, with one training and one control a seed",
  )
  .option("--seeds <list>", "seeds, with commas", seedList, [1337, 1338, 1339])
  .option("--steps <list>", "updates, with commas", updates, [100])
  .option(
    "--budgets <list>",
    "more updates, of those contenders alone whose tokens to a gap are compared; or none",
    (text) => (text === "none" ? [] : updates(text)),
    [60, 80, 150],
  )
  .option("--only <name>", "contenders whose name has this in it")
  .addOption(
    new Option("--backend <name>", "the engine").choices(["wasm", "blas"] as const).default("wasm" as const),
  )
  .option("--threads <n>", "threads", threadCount, 2)
  .option("--json <file>", "write the results, which are only shown without it", outputFile)
  .option("--html <file>", "the results as a page with a chart", outputFile)
  .option("--join <file...>", "run nothing: take these results together, such as one for each seed")
  .option("--table", "run nothing: write the README's tables anew from the committed results")
  .parse();

interface Corpus {
  readonly train: Uint16Array;
  readonly validation: Uint16Array;
}

async function readTokens(name: string): Promise<Uint16Array> {
  return readShard(gunzipSync(await readFile(join(MODEL, name)))).tokens;
}

const say = (text: string) => process.stderr.write(`${text}\n`);

/** The control alone: a run is left when its control is validated. */
async function controlRun(input: Input, recipe: RemovalRecipe): Promise<ControlResult> {
  const losses: number[] = [];
  for await (const event of removeLayerNorm({ ...input, recipe })) {
    if (event.type === "step" && event.phase === "control") losses.push(event.loss);
    if (event.type === "eval" && event.model === "control") return { losses, validation: event.loss };
  }
  throw new Error("the run ended without a control");
}

interface Input {
  readonly backend: Backend;
  readonly model: LoadedModel;
  readonly corpus: Corpus;
}

const distilled = ({ recipe }: Contender) => recipe.loss === "distillation";

async function removalRun(
  input: Input,
  contender: Contender,
  control: ControlResult | undefined,
): Promise<RecipeRow> {
  const { name, steps, recipe } = contender;
  const begin = performance.now();
  const events: RunEvent[] = [];
  const { tokenizer: _tokenizer, ...model } = input.model;
  const known = distilled(contender) ? undefined : control;
  for await (const event of removeLayerNorm({ ...input, model, recipe, control: known })) {
    // Checkpoints hold whole models, which nobody needs here.
    if (event.type !== "checkpoint") events.push(event);
  }
  const done = events.find((event) => event.type === "done");
  if (done?.type !== "done") throw new Error(`${name} did not end`);
  const { validation, tokens } = done.summary;
  // At fixed steps, what removals cost is measured for people; the run would be the same without.
  const probedTokens = recipe.pace.kind === "adaptive" ? done.summary.probedTokens : 0;
  const spikes = events.flatMap((event) =>
    event.type === "step" ? [event.loss - (known?.losses[event.step - 1] ?? 0)] : [],
  );
  const removals = events.flatMap((event) => (event.type === "removal" ? [event.step] : []));
  return {
    name,
    steps,
    seed: recipe.seed,
    tokens,
    probedTokens,
    worstSpike: Math.max(...spikes),
    lastRemoval: Math.max(...removals),
    rollbacks: events.filter(({ type }) => type === "rollback").length,
    original: validation.original,
    control: validation.control,
    folded: validation.folded,
    seconds: (performance.now() - begin) / 1000,
  };
}

async function compare(): Promise<RecipeResults> {
  const { seeds, steps, budgets, only, threads, backend: name, json } = program.opts();
  if (json === undefined) say("without --json, the results are only shown");
  const backend = name === "blas" ? await blas({ threads }) : await wasm({ threads });
  const corpus = { train: await readTokens("train.bin.gz"), validation: await readTokens("val.bin.gz") };
  const input = { backend, model: await readModelFolder(MODEL), corpus };
  const rows: RecipeRow[] = [];
  let validationTokens = 0;
  for (const seed of seeds) {
    for (const count of unique([...steps, ...budgets])) {
      const asked = contenders(count, seed)
        .filter(({ name }) => steps.includes(count) || budgeted.includes(name))
        .filter(({ name }) => only === undefined || name.includes(only));
      if (asked.length === 0) continue;
      const control = asked.every(distilled) ? undefined : await controlRun(input, controlOf(count, seed));
      say(`seed ${seed}, ${count} updates: control ${control?.validation.toFixed(4) ?? "the original"}`);
      for (const contender of asked) {
        const row = await removalRun(input, contender, control);
        validationTokens = contender.recipe.validationTokens;
        rows.push(row);
        say(
          `  ${row.name}: ${row.folded.toFixed(4)}, gap ${gapOf(row).toFixed(4)}, worst spike ` +
            `${row.worstSpike.toFixed(3)}, last removal ${row.lastRemoval}, ${row.rollbacks} taken back, ${row.seconds.toFixed(0)} s`,
        );
      }
    }
  }
  const { description } = backend;
  await backend.dispose();
  return { backend: description, validationTokens, rows };
}

function show(results: RecipeResults): void {
  const parts = tablesOf(results);
  for (const { head, rows, note } of Object.values(parts)) {
    const shown = new Terminal({ head: [...head], style: { head: [], border: [], compact: true } });
    for (const row of rows) shown.push([...row]);
    console.log(`${shown.toString()}\n${note}\n`);
  }
}

const read = async (path: string) => parseRecipeResults(await readFile(path, "utf8"));
const { table, join: asked, json, html } = program.opts();
const files = asked?.map(inputFile);
checkApart({ "--json": json, "--html": html }, files);
const results = table
  ? await read(RESULTS)
  : files
    ? joinResults(await Promise.all(files.map(read)))
    : await compare();
if (!table) show(results);
if (json !== undefined) await writeFile(json, `${JSON.stringify(results, null, 2)}\n`);
if (html !== undefined) await writeFile(html, renderRecipes(results));
if (table) {
  const parts = tablesOf(results);
  const text = await withMarked(await readFile(README, "utf8"), (name) => {
    return parts[name] ?? "Not measured in this run.";
  });
  await writeFile(README, text);
  say(`${README}: tables from ${RESULTS}`);
}
