/**
 * What is being written stands beside its place until it is whole, under a name of its own with that of the process in it:
 * `model.safetensors.0.412@dell.tmp`. What a killed process left so is known by that, and goes when the place is next
 * written to, or when the folder is next taken by one who has it alone.
 */
import { readdir, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { hasEnded, isHere, type ProcessName, processName, THIS_PROCESS } from "./process-name.js";

/** What this process is writing. */
const active = new Set<string>();
let count = 0;

/**
 * A path beside `path` for as long as `use` writes there, a file or a folder; then it is gone, unless `use` has renamed it.
 * What processes that have ended left of the same goes first.
 */
export async function withTemporary<X>(path: string, use: (temporary: string) => Promise<X>): Promise<X> {
  const target = resolve(path);
  const folder = dirname(target);
  await removeLeft(folder, (name) => name.of === basename(target) && isLeft(name, folder)).catch(
    () => undefined, // in a folder that several people share, another's may not be removed
  );
  const temporary = `${target}.${count++}.${THIS_PROCESS}.tmp`;
  active.add(temporary);
  try {
    return await use(temporary);
  } finally {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined); // the first error is the one to tell
    active.delete(temporary);
  }
}

/** Whether a file or folder of this name is one that `writeFileAtomic` or `writeFolderAtomic` has under way, or left. */
export function isTemporary(name: string): boolean {
  return parse(name) !== undefined;
}

/**
 * Removes what killed processes left in a folder of what they were writing, for one who has it alone: what processes on
 * other machines left, too, which nobody can ask about. What a process of this machine that lives is writing stays.
 * Nothing happens where there is no such folder.
 * @throws Error of the system where something cannot be removed
 */
export async function removeTemporaries(folder: string): Promise<void> {
  await removeLeft(folder, (name) => !isHere(name.owner) || isLeft(name, folder));
}

interface Temporary {
  readonly name: string;
  /** What it would have become. */
  readonly of: string;
  readonly by: string;
  readonly owner: ProcessName;
}

function parse(name: string): Temporary | undefined {
  const [, of, by] = /^(.+)\.\d+\.(\d+@[^@/\\]+)\.tmp$/.exec(name) ?? [];
  const owner = by === undefined ? undefined : processName(by);
  return owner && { name, of, by, owner };
}

/** Whether nobody writes to it any more. A process may have the number of one that was killed. */
function isLeft({ name, by, owner }: Temporary, folder: string): boolean {
  return by === THIS_PROCESS ? !active.has(join(resolve(folder), name)) : hasEnded(owner);
}

async function removeLeft(folder: string, goes: (name: Temporary) => boolean): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const temporary = parse(name);
    if (temporary && goes(temporary)) await rm(join(folder, name), { recursive: true, force: true });
  }
}
