/** Runs the command, to its end or to a fault. */
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

const FULL_DISK = new URL("full-disk.js", import.meta.url).href;
/** What runs longer hangs. */
const MOST_MILLISECONDS = 120_000;

/**
 * @typedef {object} Ended
 * @property {number | null} code null where it was killed
 * @property {string} said
 * @property {number} milliseconds
 */

/**
 * A command line of Node, until it ends by itself.
 * @returns {{ child: import("node:child_process").ChildProcess, ended: Promise<Ended> }}
 */
function start(command, argv, node = []) {
  const begun = performance.now();
  const child = spawn(process.execPath, [...node, command, ...argv], { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
  const hangs = setTimeout(() => child.kill("SIGKILL"), MOST_MILLISECONDS);
  const ended = new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(hangs);
      const milliseconds = performance.now() - begun;
      if (milliseconds < MOST_MILLISECONDS) return resolve({ code, said, milliseconds });
      reject(new Error(`it did not end in ${MOST_MILLISECONDS / 1000} s: ${argv.join(" ")}\n${said}`));
    });
  });
  return { child, ended };
}

/** To its end. @returns {Promise<Ended>} */
export const run = (command, argv) => start(command, argv).ended;

/** Killed after so many milliseconds, if it has not ended before. */
export async function killedAfter(command, argv, milliseconds) {
  const { child, ended } = start(command, argv);
  await Promise.race([wait(milliseconds), ended]);
  child.kill("SIGKILL");
  return ended;
}

/** Killed when the `nth` file or folder that was being written has been seen in `folder`, and so many milliseconds after. */
export async function killedInSave(command, argv, { folder, nth, after }) {
  const { child, ended } = start(command, argv);
  await seen(folder, nth, ended);
  if (after > 0) await Promise.race([wait(after), ended]);
  child.kill("SIGKILL");
  return ended;
}

/** To its end, with how many files and folders were seen being written. */
export async function watched(command, argv, folder) {
  const { ended } = start(command, argv);
  const saves = await seen(folder, Infinity, ended);
  return { ...(await ended), saves };
}

/** Looks until so many were seen, or the process has ended. */
async function seen(folder, most, ended) {
  let isOver = false;
  ended.then(
    () => (isOver = true),
    () => (isOver = true),
  );
  const names = new Set();
  while (!isOver && names.size < most) {
    for (const name of temporaries(folder)) names.add(name);
    await wait(0);
  }
  return names.size;
}

/** Whose disk is full after so many bytes. */
export const withFullDisk = (command, argv, bytes) =>
  start(command, argv, ["--import", `${FULL_DISK}?bytes=${bytes}`]).ended;

/** What is being written in a folder, or was and was left. @returns {string[]} */
export function temporaries(folder) {
  try {
    return readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".tmp"));
  } catch {
    // It is not there yet, or something in it went while it was read.
    return [];
  }
}
