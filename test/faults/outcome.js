/** What a job came to: its files, and the bits of those that the same seed makes the same. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Every file and folder in a folder, by their paths in it. */
const namesIn = (folder) => readdirSync(folder, { recursive: true }).sort();

/** The folders of a job that are published, by their paths in `out`, as far as they are there. */
export function publishedIn(out, { published }) {
  if (!existsSync(out)) return [];
  const inside = readdirSync(out, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const paths = published.flatMap((path) =>
    path.startsWith("*/") ? inside.map(({ name }) => join(name, path.slice(2))) : [path],
  );
  return paths.filter((path) => existsSync(join(out, path)));
}

const hash = (bytes) => createHash("sha256").update(bytes).digest("hex").slice(0, 16);

/** A model's folder: the hash of every file but its card, which tells when it was made. */
function bitsOfModel(folder) {
  const files = namesIn(folder).filter((name) => statSync(join(folder, name)).isFile());
  return files.map((name) => `${name} ${name === "README.md" ? "" : hash(readFileSync(join(folder, name)))}`);
}

/** @returns {string[]} lines that are the same for jobs that came to the same */
export function outcomeOf(out, job) {
  const models = publishedIn(out, job);
  const names = namesIn(out);
  return [
    ...names,
    ...models.flatMap((path) => bitsOfModel(join(out, path)).map((line) => `${path}/${line}`)),
    ...names
      .filter((name) => name.endsWith("metrics.jsonl"))
      .map((name) => `${name} ${metricsOf(join(out, name))}`),
    ...names
      .filter((name) => name.endsWith("summary.json"))
      .map((name) => `${name} ${lossesOf(join(out, name))}`),
    ...(names.includes("sweep.json") ? statesOf(join(out, "sweep.json")) : []),
  ];
}

/** Without the timings. */
function metricsOf(path) {
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  const plain = lines.map((line) => {
    const { seconds: _seconds, tokensPerSecond: _pace, ...rest } = JSON.parse(line);
    return JSON.stringify(rest);
  });
  return `${lines.length} lines ${hash(plain.join("\n"))}`;
}

const lossesOf = (path) => JSON.stringify(JSON.parse(readFileSync(path, "utf8")).validation);

const statesOf = (path) =>
  JSON.parse(readFileSync(path, "utf8")).runs.map(({ folder, state }) => `${folder}: ${state}`);

/** What of a job's published folders is not whole, by what they are at its end. @returns {string[]} */
export function halves(out, job, whole) {
  const broken = [];
  for (const path of publishedIn(out, job)) {
    const folder = join(out, path);
    const names = namesIn(folder);
    // A folder that was there before may be empty.
    if (names.length === 0) continue;
    const expected = bitsOfModel(join(whole, path));
    const found = bitsOfModel(folder);
    const strangers = found.filter((line) => !expected.includes(line));
    const missing = expected.filter((line) => !found.includes(line));
    for (const line of [...strangers, ...missing]) broken.push(`${path || "."}/${line.split(" ")[0]}`);
  }
  return [...new Set(broken)];
}

/** The first lines in which two outcomes differ. @returns {string[]} */
export function differences(found, expected) {
  const more = found.filter((line) => !expected.includes(line)).map((line) => `+ ${line}`);
  const less = expected.filter((line) => !found.includes(line)).map((line) => `- ${line}`);
  return [...more, ...less].slice(0, 6);
}
