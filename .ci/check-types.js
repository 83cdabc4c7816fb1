// The packages' built declarations compile where users compile them: node .ci/check-types.js [--all]
// What is built is put into a folder of its own, as npm would install it with no more than it declares. There one file imports
// every entry, and is checked with skipLibCheck: false, by the oldest TypeScript that we support and the newest (--all: by those
// between as well), for Node and for bundlers, with the DOM library and without, and without Node's types where there is no need.
import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

/** The packages in node_modules that hold the compilers, the oldest first. */
const COMPILERS = ["typescript-5.7", "typescript", "typescript-6.0", "typescript-7.0"];
/** Entries whose declarations name types of Node, or of packages that do. */
const NEED_NODE = ["@normless/hub", "@normless/hub/testing"];
/** Optional peers that an entry's declarations name (gpt2/testing). */
const NAMED_PEERS = ["fast-check"];
/** TypeScript's DOM library has a GPUDevice from here on. */
const FIRST_WITH_WEBGPU = 6;

async function readPackages() {
  const names = await readdir("packages");
  return Promise.all(
    names.map(async (name) => {
      const folder = `packages/${name}`;
      return { folder, manifest: JSON.parse(await readFile(`${folder}/package.json`, "utf8")) };
    }),
  );
}

function entriesOf({ name, exports }) {
  return Object.entries(exports).flatMap(([path, { types }]) => (types ? [join(name, path)] : []));
}

async function install(folder, packages, { node }) {
  const modules = join(folder, "node_modules");
  const link = async (name) => {
    const to = join(modules, name);
    await mkdir(dirname(to), { recursive: true });
    await symlink(resolve("node_modules", name), to);
  };
  for (const { folder: from, manifest } of packages) {
    const to = join(modules, manifest.name);
    await mkdir(to, { recursive: true });
    for (const file of ["package.json", "dist"]) {
      await cp(join(from, file), join(to, file), { recursive: true });
    }
  }
  const declared = packages.flatMap(({ manifest }) => Object.keys(manifest.dependencies ?? {}));
  const foreign = [...new Set(declared)].filter((name) => !name.startsWith("@normless/"));
  for (const name of [...foreign, ...NAMED_PEERS, ...(node ? ["@types/node"] : [])]) await link(name);
}

/** A compile's settings, by what they are about. */
function* projects(compilers, version) {
  for (const compiler of compilers) {
    for (const module of ["nodenext", "bundler"]) {
      for (const dom of [true, false]) {
        for (const node of [true, false]) yield { compiler, version: version(compiler), module, dom, node };
      }
    }
  }
}

const settingsOf = ({ module, dom, node }) => ({
  compilerOptions: {
    target: "es2022",
    lib: dom ? ["es2022", "dom", "dom.iterable"] : ["es2022"],
    module: module === "nodenext" ? "nodenext" : "esnext",
    moduleResolution: module,
    types: node ? ["node"] : [],
    strict: true,
    skipLibCheck: false,
    noEmit: true,
  },
});

const nameOf = ({ version, module, dom, node }) =>
  `${version}, ${module}, ${dom ? "with" : "without"} DOM, ${node ? "with" : "without"} Node's types`;

async function compile(project, folders, entries) {
  const folder = join(project.node ? folders.node : folders.bare, nameOf(project).replaceAll(/\W+/g, "-"));
  await mkdir(folder);
  const imported = entries.filter((entry) => project.node || !NEED_NODE.includes(entry));
  const lines = imported.map((entry, i) => `import * as entry${i} from "${entry}";`);
  lines.push(`export default [${imported.map((_, i) => `entry${i}`).join(", ")}];`);
  if (project.dom && Number.parseInt(project.version) >= FIRST_WITH_WEBGPU) {
    lines.push('import type { WebGpuOptions } from "@normless/tensor/gpu";');
    lines.push("export const options = (device: GPUDevice): WebGpuOptions => ({ device });");
  }
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  await writeFile(join(folder, "index.ts"), `${lines.join("\n")}\n`);
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(settingsOf(project)));
  const tsc = resolve("node_modules", project.compiler, "bin/tsc");
  const child = spawn(process.execPath, [tsc, "-p", folder, "--pretty", "false"]);
  const output = [];
  child.stdout.on("data", (data) => output.push(data));
  child.stderr.on("data", (data) => output.push(data));
  const code = await new Promise((done) => child.on("close", done));
  return { project, entries: imported.length, failed: code !== 0, output: Buffer.concat(output).toString() };
}

const packages = await readPackages();
const entries = packages.flatMap(({ manifest }) => entriesOf(manifest));
const compilers = process.argv.includes("--all") ? COMPILERS : [COMPILERS.at(0), COMPILERS.at(-1)];
const versions = new Map();
for (const name of compilers) {
  versions.set(name, JSON.parse(await readFile(`node_modules/${name}/package.json`, "utf8")).version);
}

const root = await mkdtemp(join(tmpdir(), "normless-types-"));
try {
  const folders = { node: join(root, "node"), bare: join(root, "bare") };
  await install(folders.node, packages, { node: true });
  await install(folders.bare, packages, { node: false });
  const waiting = [...projects(compilers, (name) => versions.get(name))];
  const work = async () => {
    for (let project = waiting.shift(); project; project = waiting.shift()) {
      const { entries: count, failed, output } = await compile(project, folders, entries);
      console.log(`${failed ? "FAILED" : "compiles"} in TypeScript ${nameOf(project)}: ${count} entries`);
      if (failed) process.exitCode = 1;
      if (failed) console.error(output.replaceAll(`${root}/`, ""));
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work));
} finally {
  await rm(root, { recursive: true });
}
