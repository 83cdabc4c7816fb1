/** A script in a process of its own: how long it took, and the most memory that it held. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface ProcessPeak {
  /** Wall time of the process. */
  readonly seconds: number;
  /** The most memory that the process held. */
  readonly peakBytes: number;
}

/** A file beside the one that runs, which is built into `dist`. */
export const built = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The command, as it is built. */
export const NORMLESS = built("../../apps/remove-layernorm/bin/normless.js");

/** Runs a script with Node; what it says on standard error is seen. @throws Error when it ends with another code than 0 */
export async function processPeak(script: string, args: readonly string[]): Promise<ProcessPeak> {
  const folder = await mkdtemp(join(tmpdir(), "normless-peak-"));
  try {
    const peakFile = join(folder, "peak");
    const begin = performance.now();
    const child = spawn(process.execPath, ["--import", built("./peak.js"), script, ...args], {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, BENCH_PEAK_FILE: peakFile },
    });
    const [code] = (await once(child, "exit")) as [number | null];
    const seconds = (performance.now() - begin) / 1000;
    if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}`);
    return { seconds, peakBytes: Number(await readFile(peakFile, "utf8")) };
  } finally {
    await rm(folder, { recursive: true });
  }
}
