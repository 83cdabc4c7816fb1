/**
 * `npm run test:faults -- --trials 200 --seed N`: kills the command at random moments and in the middle of saves, and fills
 * its disk, as often as is said; then goes on with what it left, and looks whether that ends as if nothing had been:
 * the same bits, the same files and no others, and at no time half a file in a folder that is to be published.
 */
import { readdirSync, statSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { randomAt } from "@normless/random";
import { makeJobs, nextArgv, NotHere } from "./jobs.js";
import { differences, halves, outcomeOf } from "./outcome.js";
import { killedAfter, killedInSave, run, temporaries, watched, withFullDisk } from "./process.js";

/** Not `reference`, whose float64 no checkpoint holds. */
const ENGINES = ["wasm", "native", "blas"];
const BUILT = fileURLToPath(new URL("../../apps/remove-layernorm/bin/normless.js", import.meta.url));
/** A job is disturbed so many times at most before it may end. */
const MOST_FAULTS = 3;

const { values } = parseArgs({
  options: {
    trials: { type: "string", default: "200" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    engine: { type: "string", multiple: true, default: ENGINES },
    /** Another build of the command. */
    command: { type: "string", default: BUILT },
  },
});
const [trials, seed] = [Number(values.trials), Number(values.seed)];
const { command } = values;
console.log(`seed ${seed}`);

/** Each does one thing to a process that works on a job in `place`/out; `draw` gives whole numbers below what it is given. */
const FAULTS = {
  "killed at any moment": ({ milliseconds }, { argv, draw }) =>
    killedAfter(command, argv, draw(1.1 * milliseconds)),
  "killed in a save": ({ saves }, { argv, place, draw }) =>
    killedInSave(command, argv, { folder: place, nth: 1 + draw(saves), after: draw(4) }),
  "disk full": ({ bytes }, { argv, draw }) => withFullDisk(command, argv, draw(bytes)),
};

/** A job that was done before its fault came counts as that. */
const EARLY = "ended before";
const folder = await mkdtemp(join(tmpdir(), "normless-faults-"));
/** By engine and job: trials, those in which something was lost, and how often each fault came, or left a file half written. */
const tried = new Map();
try {
  const jobs = [];
  for (const engine of values.engine) jobs.push(...(await jobsOf(engine)));
  if (jobs.length === 0) throw new Error("there is no engine to try");
  for (let trial = 0; trial < trials; trial++) await tryOne(jobs, trial);
} finally {
  await rm(folder, { recursive: true, force: true });
}
const COLUMNS = ["trials", ...Object.keys(FAULTS), EARLY, "left half written", "lost"];
console.log(`\n| engine, job | ${COLUMNS.join(" | ")} |\n| --- |${" ---: |".repeat(COLUMNS.length)}`);
for (const [name, counts] of [...tried, ["all", sums()]]) {
  console.log(`| ${name} | ${COLUMNS.map((column) => counts[column] ?? 0).join(" | ")} |`);
}
console.log(`\nseed ${seed}; ${sums().lost ?? 0} of ${trials} trials lost something or left something over`);
process.exitCode = (sums().lost ?? 0) === 0 ? 0 : 1;

function sums() {
  const all = {};
  for (const counts of tried.values()) {
    for (const [column, times] of Object.entries(counts)) all[column] = (all[column] ?? 0) + times;
  }
  return all;
}

/** Every job of an engine, done once without a fault. */
async function jobsOf(engine) {
  try {
    const jobs = await makeJobs(command, join(folder, engine), engine);
    const whole = [];
    for (const job of jobs) whole.push(await measured({ ...job, engine }));
    return whole;
  } catch (error) {
    if (!(error instanceof NotHere)) throw error;
    console.log(`${engine} is not tried: ${error.message}`);
    return [];
  }
}

/** What a job comes to where nothing disturbs it, and how long it takes, how often it saves and how much. */
async function measured(job) {
  const place = join(folder, job.engine, `${job.name}-whole`);
  await mkdir(place);
  const out = join(place, "out");
  const { code, said, milliseconds, saves } = await watched(command, nextArgv(job, out), place);
  if (code !== 0) throw new Error(said);
  return { ...job, whole: out, outcome: outcomeOf(out, job), milliseconds, saves, bytes: bytesIn(out) };
}

async function tryOne(jobs, trial) {
  let draws = 0;
  const draw = (below) => randomAt(seed, trial, draws++).below(Math.max(1, Math.floor(below)));
  const job = jobs[draw(jobs.length)];
  const place = join(folder, `trial-${trial}`);
  await mkdir(place);
  const out = join(place, "out");
  const history = [];
  count(job, "trials");
  try {
    let argv = nextArgv(job, out);
    for (let left = 1 + draw(MOST_FAULTS); left > 0 && argv; left--) {
      const name = Object.keys(FAULTS)[draw(Object.keys(FAULTS).length)];
      history.push(name);
      const { code, said } = await FAULTS[name](job, { argv, place, draw });
      const isKill = name !== "disk full";
      if (said.includes("is finished (there is a summary.json)")) break;
      if (code === 2 || (isKill && code === 1)) throw new Error(`it was refused: ${lastLine(said)}`);
      count(job, code === 0 ? EARLY : name);
      if (temporaries(place).length > 0) count(job, "left half written");
      const broken = halves(out, job, job.whole);
      if (broken.length > 0)
        throw new Error(`what is to be published is not whole: ${broken.slice(0, 3).join(", ")}`);
      argv = code === 0 ? undefined : nextArgv(job, out);
    }
    if (argv) {
      const { code, said } = await run(command, argv);
      // Only a run that was killed when all was written is refused, and its folder was used so.
      if (code !== 0 && !said.includes("is finished (there is a summary.json)")) {
        throw new Error(`it cannot be gone on with: ${lastLine(said)}`);
      }
    }
    const differ = [
      ...differences(outcomeOf(out, job), job.outcome),
      ...readdirSync(place).filter((file) => file !== "out"),
    ];
    if (differ.length > 0) throw new Error(`it ended otherwise:\n    ${differ.join("\n    ")}`);
  } catch (error) {
    count(job, "lost");
    console.log(`trial ${trial}, ${job.engine}, ${job.name} (${history.join("; ")}): ${error.message}`);
  }
  await rm(place, { recursive: true, force: true });
}

function count({ engine, name }, column) {
  const key = `${engine}, ${name}`;
  const counts = tried.get(key) ?? {};
  tried.set(key, { ...counts, [column]: (counts[column] ?? 0) + 1 });
}

function lastLine(said) {
  return said.trim().split("\n").at(-1);
}

function bytesIn(path) {
  const names = readdirSync(path, { recursive: true });
  return names.reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
}
