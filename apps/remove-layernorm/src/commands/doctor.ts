/** `normless doctor`: what is on this machine, and whether it works. Its output is what a report of a fault needs. */
import { type EngineFacts, isBroken, lookAtEngines, simdFacts } from "../doctor/engines.js";
import { type MachineFacts, machineFacts } from "../doctor/machine.js";
import { type Needs, needsOf } from "../doctor/needs.js";
import { EXIT } from "../errors.js";
import { shippedModel } from "../models/shipped.js";
import { command } from "../options/command.js";
import { threadsOption } from "../options/engine-options.js";
import { jsonOption, modelOption } from "../options/options.js";
import { inputsOf } from "../options/outputs.js";
import { checkResults, writeJsonResult } from "../run-folder/result-file.js";
import { bytes, thousands } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { factLines } from "../terminal/tables.js";

export interface DoctorOptions {
  readonly model?: string | undefined;
  readonly json?: string | undefined;
  readonly threads?: number | undefined;
}

const WHAT = `
Each engine that is there computes the loss and every gradient of a small model, which are held against the reference's
float64 loops: a second or two each. Where one is off, the command ends with exit code 1. Nothing is downloaded.`;

export function doctorCommand(io: Io, done: (code: number) => void) {
  return command("doctor", "What is on this machine, which engines work, and what fits into its memory", [
    "",
    "--model gpt2-medium",
    "--json doctor.json",
  ])
    .addOption(modelOption())
    .addOption(jsonOption)
    .addOption(threadsOption)
    .addHelpText("after", WHAT)
    .action(async (options) => done(await doctor(io, options)));
}

/** The exit code. */
export async function doctor(io: Io, { model: asked, json, threads }: DoctorOptions): Promise<number> {
  const model = asked ?? shippedModel();
  const { "--json": path } = await checkResults({ "--json": json }, inputsOf({ model }));
  const needs = await needsOf(model);
  const machine = await machineFacts(io.now());
  const simd = await simdFacts();
  io.out(factLines(io, machineRows(machine)));
  io.out(
    factLines(io, [
      ["relaxed SIMD", simd.relaxed],
      ["plain SIMD", simd.plain],
    ]),
  );
  const engines: EngineFacts[] = [];
  for await (const facts of lookAtEngines(threads)) {
    engines.push(facts);
    io.out(factLines(io, [[facts.engine, engineText(facts)]]));
  }
  io.out(factLines(io, needRows(needs, machine, engines)));
  if (path !== undefined) await writeJsonResult(io, path, { machine, simd, engines, needs });
  const broken = engines.filter(isBroken).map(({ engine }) => engine);
  if (broken.length === 0) return EXIT.ok;
  io.err(`${broken.join(" and ")}: not to be trusted on this machine; take another --backend\n`);
  return EXIT.failed;
}

type Row = readonly [name: string, text: string];

function machineRows(facts: MachineFacts): Row[] {
  const { normless, commit, node, v8, system, cpu, cores, instructions, compilers, memory } = facts;
  const { total, allowed, free } = memory;
  const said = Object.entries(compilers).map(([name, version]) => `${name} (${version})`);
  return [
    ["normless", `${normless}${commit === undefined ? "" : `, commit ${commit}`}`],
    ["Node", `${node}, V8 ${v8}`],
    ["system", system],
    ["processor", `${cpu}, ${cores} ${cores === 1 ? "core" : "cores"}`],
    ["has", instructions?.join(" ") ?? "not told by this system"],
    [
      "memory",
      `${bytes(total)}${allowed < total ? `, of which this process may have ${bytes(allowed)}` : ""}; ${bytes(free)} free`,
    ],
    ["compilers", said.join("; ") || "none (tried cc, gcc, clang)"],
  ];
}

function engineText({ description, why, test }: EngineFacts): string {
  if (description === undefined) return `not there: ${(why ?? "").split("\n")[0]}`;
  if (!test) return `${description}: fails its self-test: ${why}`;
  const { passed, difference, furthest, seconds } = test;
  const off = `${difference.toExponential(1)} of the largest, at ${furthest}`;
  return `${description}: ${passed ? "computes what the reference does" : "does NOT compute what the reference does"} (off by ${off}; ${seconds.toFixed(2)} s)`;
}

function needRows(
  { model, parameters, context, weights, update }: Needs,
  machine: MachineFacts,
  engines: readonly EngineFacts[],
): Row[] {
  const there = engines.filter(({ description }) => description !== undefined);
  const fits = (needed: number) => {
    const names = there.filter(({ limitBytes = machine.memory.allowed }) => needed <= limitBytes);
    return `fits ${names.map(({ engine }) => engine).join(", ") || "no engine here"}`;
  };
  const row = (name: string, { kept, recomputed }: Needs["update"]["train"]): Row => [
    name,
    `an update of 1 × ${context} tokens takes ${bytes(kept)} (${fits(kept)}), with --recompute ${bytes(recomputed)} (${fits(recomputed)})`,
  ];
  return [
    ["model", `${model}: ${thousands(parameters)} parameters, ${bytes(weights)} in float32`],
    row("train", update.train),
    row("remove", update.remove),
  ];
}
