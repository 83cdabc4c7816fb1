// A release, but for the registry: node .ci/check-release.js [--write], after a build. In a copy of what is committed,
// changesets give every package its version and its changelog, and npm publishes all of them as a dry run. What each would
// ship is held against ships.json: which files, how many, how large. --write makes ships.json anew.
import { execFileSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { format } from "prettier";

const SHIPS = new URL("ships.json", import.meta.url);
/** How much more than now a package may become before somebody looks. */
const ROOM = 1.15;

const root = process.cwd();
const copy = mkdtempSync(join(tmpdir(), "normless-release-"));
const run = (folder, command, ...argv) =>
  execFileSync(command, argv, {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 2 ** 26,
  });
const json = (path) => JSON.parse(readFileSync(path, "utf8"));
const problems = [];
const check = (holds, problem) => void (holds || problems.push(problem));

try {
  run(root, "git", "clone", "--quiet", root, copy);
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  const changes = readdirSync(join(copy, ".changeset")).filter((name) => name.endsWith(".md"));
  run(copy, "npx", "changeset", "version");

  const folders = ["packages", "apps"].flatMap((parent) =>
    readdirSync(join(copy, parent)).map((name) => join(parent, name)),
  );
  const manifests = folders.map((folder) => json(join(copy, folder, "package.json")));
  const versions = new Map(manifests.map(({ name, version }) => [name, version]));
  const left = readdirSync(join(copy, ".changeset")).filter((name) => name.endsWith(".md"));
  check(left.length === 0, `changesets are left: ${left.join(", ")}`);
  for (const [i, { name, version, dependencies = {} }] of manifests.entries()) {
    check(version !== "0.0.0", `${name} gets no version: no changeset names it`);
    check(existsSync(join(copy, folders[i], "CHANGELOG.md")), `${name} gets no changelog`);
    for (const [other, range] of Object.entries(dependencies)) {
      const meant = versions.get(other);
      check(
        meant === undefined || range === meant,
        `${name} would ask for ${other} ${range}, which is ${meant}`,
      );
    }
  }
  console.log(`${changes.length} changesets make ${versions.size} versions`);

  const budgets = existsSync(SHIPS) ? json(SHIPS) : {};
  const ships = {};
  for (const [i, { name, files }] of manifests.entries()) {
    const folder = join(copy, folders[i]);
    // What is built is built from what is committed; what an engine generates lies among the sources.
    for (const built of ["dist", "src/generated"]) {
      if (existsSync(join(root, folders[i], built)))
        cpSync(join(root, folders[i], built), join(folder, built), { recursive: true });
    }
    const { prepack: _, ...scripts } = json(join(folder, "package.json")).scripts;
    writeFileSync(
      join(folder, "package.json"),
      JSON.stringify({ ...json(join(folder, "package.json")), scripts }),
    );
    const said = JSON.parse(run(folder, "npm", "publish", "--dry-run", "--json", "--tag", "dry-run"));
    const { size, entryCount, files: shipped } = said.files ? said : said[name];
    const allowed = [...files, "package.json", "README.md", "LICENSE", "CHANGELOG.md"];
    const stranger = shipped.find(
      ({ path }) => !allowed.some((one) => path === one || path.startsWith(`${one}/`)),
    );
    check(stranger === undefined, `${name} would ship ${stranger?.path}, which its "files" do not name`);
    const test = shipped.find(({ path }) =>
      /(^|\/)(test|\.env|\.npmrc|node_modules)(\/|$)|\.test\./.test(path),
    );
    check(test === undefined, `${name} would ship ${test?.path}`);
    ships[name] = { files: Math.ceil(ROOM * entryCount), bytes: Math.ceil((ROOM * size) / 1000) * 1000 };
    const budget = budgets[name];
    console.log(
      `${name}: ${entryCount} of ${budget?.files ?? "?"} files, ${size} of ${budget?.bytes ?? "?"} bytes packed`,
    );
    if (process.argv.includes("--write")) continue;
    check(
      budget && entryCount <= budget.files && size <= budget.bytes,
      `${name} is over its budget in .ci/ships.json`,
    );
  }
  if (process.argv.includes("--write"))
    writeFileSync(SHIPS, await format(JSON.stringify(ships), { parser: "json" }));
} finally {
  rmSync(copy, { recursive: true, force: true });
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
