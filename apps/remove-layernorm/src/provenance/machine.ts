/** The process that works on a run: which code, which engine, what kind of machine. */
import { execFile } from "node:child_process";
import { arch, availableParallelism, cpus, platform, totalmem } from "node:os";
import { dirname, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Backend } from "@normless/tensor";
import manifest from "../../package.json" with { type: "json" };
import type { ProcessFacts } from "./schema.js";

const exec = promisify(execFile);

/** This process, that works with `backend` from `began` on. */
export async function thisProcess(backend: Backend, began: Date): Promise<ProcessFacts> {
  const packages = Object.entries(manifest.dependencies).filter(([name]) => name.startsWith("@normless/"));
  const { threads } = backend as { readonly threads?: unknown };
  return {
    began: began.toISOString(),
    normless: manifest.version,
    commit: await commit(),
    packages: Object.fromEntries(packages),
    node: process.versions.node,
    engine: backend.description,
    threads: typeof threads === "number" ? threads : undefined,
    system: `${platform()} ${arch()}`,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
  };
}

/** Where a clone of this repository has this file, or the bundle that it is in. */
const OWN = "apps/remove-layernorm/";

let known: Promise<string | undefined> | undefined;

/** The commit that this code is of; undefined where it is no clone, or git is missing. Asked for once a process. */
function commit(): Promise<string | undefined> {
  known ??= askGit(dirname(fileURLToPath(import.meta.url)));
  return known;
}

async function askGit(folder: string): Promise<string | undefined> {
  const git = (...argv: string[]) => exec("git", ["-C", folder, ...argv]).then(({ stdout }) => stdout.trim());
  try {
    // A clone of something else may have normless among its node_modules.
    const way = relative(await git("rev-parse", "--show-toplevel"), folder).replaceAll(sep, "/");
    if (!way.startsWith(OWN)) return undefined;
    const changed = await git("status", "--porcelain", "--untracked-files=no");
    return `${await git("rev-parse", "HEAD")}${changed === "" ? "" : "+"}`;
  } catch {
    return undefined;
  }
}
