/**
 * Who is at work in a run folder. Each process puts a file of its own there, which nobody else has to replace, and then
 * looks for others: of two that begin at once, at least one sees the other. A file whose process is gone counts for
 * nothing, so a kill blocks no one.
 */
import { rmSync } from "node:fs";
import { readdir, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  hasEnded,
  isHere,
  makeFolder,
  type ProcessName,
  processName,
  removeTemporaries,
  THIS_PROCESS,
} from "@normless/safetensors/node";
import { printable } from "@normless/text";
import { systemCode, UsageError } from "../errors.js";

const PREFIX = "in-use-by-";
const OWN = `${PREFIX}${THIS_PROCESS}`;

/** A name in a run folder that is no part of the run. */
export function isLock(name: string): boolean {
  return ownerOf(name) !== undefined;
}

/**
 * Keeps other processes away from a run's folder for as long as `use` takes, which begins with nothing there that a killed
 * process was writing. `make` makes the folder, and takes it away again where nothing came of it.
 * @throws UsageError when another process is at work there.
 */
export async function lockedRun<X>(
  folder: string,
  use: () => Promise<X>,
  { make = false }: { readonly make?: boolean } = {},
): Promise<X> {
  const made = make ? await makeFolder(folder) : undefined;
  const lock = join(folder, OWN);
  const drop = () => rmSync(lock, { force: true });
  await writeFile(lock, "").catch((cause: unknown) => {
    if (!["ENOENT", "ENOTDIR"].includes(systemCode(cause) ?? "")) throw cause;
    throw new UsageError(`there is no run folder ${folder}`, { cause });
  });
  // The second Control-C ends the process without coming back here.
  process.once("exit", drop);
  try {
    await checkUnused(folder);
    await removeLeft(folder);
    return await use();
  } finally {
    process.off("exit", drop);
    drop();
    if (made !== undefined) await rmdir(folder).catch(() => undefined);
  }
}

/** What killed processes left in a folder, and in those inside of it that nobody is at work in, as a sweep's runs are. */
async function removeLeft(folder: string): Promise<void> {
  await removeTemporaries(folder);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const inside = join(folder, entry.name);
    if (entry.isDirectory() && !(await foreignLock(inside))) await removeTemporaries(inside);
  }
}

/** @throws UsageError when another process is at work in the folder, saying which and what to do. */
export async function checkUnused(folder: string): Promise<void> {
  const found = await foreignLock(folder);
  if (!found) return;
  const { owner, lock } = found;
  const where = isHere(owner) ? "" : ` on ${printable(owner.host)}`;
  throw new UsageError(
    `the run folder ${folder} is in use by process ${owner.pid}${where}. Wait for its end or stop it there with Control-C, ` +
      `or choose another folder: --out DIR. If that process is no run of normless, delete ${lock}`,
  );
}

interface Lock {
  readonly owner: ProcessName;
  readonly lock: string;
}

/** That of another process at work in the folder, if one is; the locks of those that have ended go. */
async function foreignLock(folder: string): Promise<Lock | undefined> {
  for (const name of await readdir(folder).catch(() => [])) {
    const owner = ownerOf(name);
    if (!owner || name === OWN) continue;
    const lock = join(folder, name);
    if (!hasEnded(owner)) return { owner, lock };
    await rm(lock, { force: true });
  }
  return undefined;
}

/** Whether a process is at work in the folder; nothing is touched. */
export async function isInUse(folder: string): Promise<boolean> {
  const owners = (await readdir(folder)).map(ownerOf);
  return owners.some((owner) => owner !== undefined && !hasEnded(owner));
}

function ownerOf(name: string): ProcessName | undefined {
  return name.startsWith(PREFIX) ? processName(name.slice(PREFIX.length)) : undefined;
}
