/** PyTorch in a Python process of its own (peers/pytorch_peer.py): products, and whole steps of GPT-2. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { LineProcess } from "../line-process.js";
import { peersFolder, type ProductPeer } from "./peer.js";

const run = promisify(execFile);
const aboutSchema = z.object({ description: z.string(), threads: z.int() });
const okSchema = z.object({ ok: z.literal(true) });
const timeSchema = z.object({ ms: z.number() });
const rowsSchema = z.object({ rows: z.array(z.number()) });

/** $PYTHON where it is set; else the first of the usual ones that has torch. @throws Error when none has. */
async function findPython(): Promise<string> {
  const { PYTHON } = process.env;
  const candidates = PYTHON === undefined ? ["python3", "/usr/bin/python3"] : [PYTHON];
  for (const python of candidates) {
    const found = await run(python, ["-c", "import torch, numpy"]).then(
      () => true,
      () => false,
    );
    if (found) return python;
  }
  throw new Error(
    `${candidates.join(" and ")} cannot import torch; on Debian: apt-get install python3-torch libopenblas0, ` +
      "or name another Python with PYTHON=…",
  );
}

/** Starts the process and says what it is. */
export async function startPyTorch(
  threads: number,
): Promise<{ readonly process: LineProcess; readonly description: string }> {
  // torch.set_num_threads does not reach an OpenBLAS with threads of its own.
  const env = { OMP_NUM_THREADS: String(threads), OPENBLAS_NUM_THREADS: String(threads) };
  const process = new LineProcess("pytorch", await findPython(), [`${peersFolder}pytorch_peer.py`], env);
  const { description } = await process.ask(aboutSchema, { op: "start", threads });
  return { process, description };
}

export async function loadPyTorch(threads: number): Promise<ProductPeer> {
  const { process, description } = await startPyTorch(threads);
  const folder = await mkdtemp(join(tmpdir(), "normless-bench-"));
  return {
    name: "pytorch",
    threads,
    description,
    async prepare({ rows, K, M }, x, w) {
      const files = { x: join(folder, "x.f32"), w: join(folder, "w.f32") };
      await writeFile(files.x, x);
      await writeFile(files.w, w);
      await process.ask(okSchema, { op: "prepare", ...files, rows, K, M });
      return {
        run: async () => (await process.ask(timeSchema, { op: "product" })).ms,
        rows: async (picked) => (await process.ask(rowsSchema, { op: "rows", picked })).rows,
        free: () => process.ask(okSchema, { op: "free" }).then(() => undefined),
      };
    },
    async end() {
      await process.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
