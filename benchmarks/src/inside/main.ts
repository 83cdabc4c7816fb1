/**
 * `npm run bench:inside -w benchmarks`: @normless/interpret on the native engine beside TransformerLens: a forward pass with every
 * tensor kept that both have (all names but `attn.hook_result`), and some hundred activation patches of the residual, on the models
 * that ship and on random weights in GPT-2 small's shapes. What the patches come to has to agree. It needs 4 GB of memory and
 * 500 MB of disk; PyTorch and TransformerLens take 7 GB and some minutes the first time.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, Option } from "@commander-js/extra-typings";
import { presets } from "@normless/gpt2";
import { randomAt } from "@normless/random";
import { LineProcess } from "../harness/line-process.js";
import { inTurns } from "../harness/measure.js";
import { threadCount, wholeNumber } from "../harness/options.js";
import { makeModel } from "../memory/folder.js";
import { peersFolder } from "../peers/peer.js";
import { findPython } from "../peers/pytorch.js";
import { figure, gigabytes } from "../results/text.js";
import { cached, loaded, patched, peak } from "./protocol.js";

interface Case {
  readonly name: string;
  readonly folder: string;
  /** Positions of the cached pass, and of the patched one: layers × positions patches. */
  readonly T: number;
  readonly positions: number;
}

const NAMES = ["sotu", "sink", "small"] as const;

const { threads, rounds, only } = new Command("bench:inside")
  .description("Looks into models beside TransformerLens; some minutes, 4 GB of memory, 500 MB of disk")
  .option("--threads <n>", "threads of both", threadCount, Math.min(2, availableParallelism()))
  .option("--rounds <n>", "turns of each, after one that does not count", wholeNumber(1, 100), 5)
  .addOption(
    new Option("--only <names...>", "the models that ship, and GPT-2 small's shapes")
      .choices(NAMES)
      .default([...NAMES]),
  )
  .parse()
  .opts();

const shipped = (name: string) => fileURLToPath(new URL(`../../models/${name}`, import.meta.url));
const root = await mkdtemp(join(tmpdir(), "normless-inside-"));
try {
  if (only.includes("small")) await makeModel(root, presets.small, shipped("sotu"));
  const cases = only.map((name): Case =>
    name === "small"
      ? { name: "GPT-2 small's shapes", folder: join(root, "model"), T: 128, positions: 9 }
      : { name: `models/${name}`, folder: shipped(name), T: 128, positions: 17 },
  );
  const rows: string[] = [];
  for (const one of cases) rows.push(...(await measure(one)));
  console.log(
    `| | normless, native | TransformerLens | theirs over ours |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n`,
  );
  console.log(
    `Medians of ${rounds} turns; ${cpus()[0].model.trim()}, ${cpus().length} cores, ${threads} threads, Node ${process.version.slice(1)}.`,
  );
} finally {
  await rm(root, { recursive: true, force: true });
}

/** Rows of the table: a cached pass, the patches, the most memory of each process. */
async function measure({ name, folder, T, positions }: Case): Promise<string[]> {
  const ours = new LineProcess("normless", process.execPath, [
    fileURLToPath(new URL("./inside.js", import.meta.url)),
  ]);
  const theirs = new LineProcess("TransformerLens", await findPython(), [
    `${peersFolder}transformer_lens_peer.py`,
  ]);
  const sides = [ours, theirs];
  try {
    for (const side of sides) {
      const { description } = await side.ask(loaded, { op: "load", folder, threads });
      process.stderr.write(`${name}: ${description} …\n`);
    }
    const draw = (length: number, seed: number) => {
      const random = randomAt(seed);
      return Array.from({ length }, () => random.below(4096));
    };
    const passes = await inTurns(
      sides.map((side) => ({
        name: side.name,
        run: async () => (await side.ask(cached, { op: "cache", ids: draw(T, 1) })).ms,
      })),
      { rounds, warmup: 1 },
    );
    const request = {
      op: "patch",
      clean: draw(positions, 2),
      corrupted: draw(positions, 3),
      token: 262,
      versus: 4001,
    };
    const [mine, reference] = [await ours.ask(patched, request), await theirs.ask(patched, request)];
    checkValues(name, mine.values, reference.values);
    const patches = await inTurns(
      sides.map((side) => ({ name: side.name, run: async () => (await side.ask(patched, request)).ms })),
      { rounds, warmup: 0 },
    );
    const bytes = [
      (await ours.ask(peak, { op: "peak" })).bytes,
      (await theirs.ask(peak, { op: "peak" })).bytes,
    ];
    const row = (what: string, values: readonly number[], text: (value: number) => string) =>
      `| ${name}, ${what} | ${values.map(text).join(" | ")} | ${figure(values[1] / values[0])} |`;
    const ms = (value: number) => `${figure(value)} ms`;
    return [
      row(
        `a pass of ${T} tokens, all kept`,
        passes.map(({ median }) => median),
        ms,
      ),
      row(
        `${mine.values.length} patches of ${positions} tokens`,
        patches.map(({ median }) => median),
        ms,
      ),
      row("most memory", bytes, gigabytes),
    ];
  } finally {
    for (const side of sides) await side.end();
  }
}

/** @throws Error where the patches of the two do not come to the same within 1e-4 of the largest */
function checkValues(name: string, mine: readonly number[], theirs: readonly number[]): void {
  const largest = Math.max(...theirs.map(Math.abs));
  const gap = Math.max(...theirs.map((value, i) => Math.abs(value - mine[i])));
  if (mine.length !== theirs.length || !(gap <= 1e-4 * largest)) {
    throw new Error(`${name}: patches differ by ${gap}, where the largest is ${largest}`);
  }
}
