/** PyTorch in a Python process of its own (peers/pytorch_peer.py): products, training steps of GPT-2, generation. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { Context } from "../harness/context.js";
import { LineProcess } from "../harness/line-process.js";
import { type Form, forms, type Row } from "../results/results.js";
import { aboutSchema, okSchema } from "../steps/protocol.js";
import { peersFolder, type ProductPeer } from "./peer.js";

const timeSchema = z.object({ ms: z.number() });
const rowsSchema = z.object({ rows: z.array(z.number()) });

/** $PYTHON where it is set; else that of the environment of the stock peers, which is made where it is not there yet. */
export async function findPython(): Promise<string> {
  const { PYTHON } = process.env;
  if (PYTHON !== undefined) return PYTHON;
  // Where it lies tells it where to install, so it is not bundled.
  const script = new URL("../../test/peers/environment.js", import.meta.url).href;
  const { peersPython } = (await import(script)) as { readonly peersPython: () => string };
  return peersPython();
}

/** A process that computes in that form, and what it says that it is. */
export interface PyTorch {
  readonly form: Form;
  readonly process: LineProcess;
  readonly description: string;
}

async function startPyTorch(form: Form, threads: number): Promise<PyTorch> {
  const process = new LineProcess(`pytorch ${form}`, await findPython(), [`${peersFolder}pytorch_peer.py`]);
  try {
    const { description } = await process.ask(aboutSchema, { op: "start", threads, form });
    return { form, process, description };
  } catch (error) {
    await process.end();
    throw error;
  }
}

/** PyTorch in both forms, a process each. Where it cannot compile, that is said aloud, and eager is all there is. */
export async function startPyTorchForms({
  threads,
  say,
}: Pick<Context, "threads" | "say">): Promise<PyTorch[]> {
  const started: PyTorch[] = [];
  for (const form of forms) {
    try {
      started.push(await startPyTorch(form, threads));
    } catch (error) {
      if (form === "eager") throw error;
      say(
        `LEFT OUT: pytorch ${form}, so that eager counts: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  return started;
}

/** What a row says of the form that it was measured in; what is compiled is compiled in its first run. */
export const ofForm = (
  form: Form | undefined,
  firstMs: number | undefined,
): Pick<Row, "form" | "compileSeconds"> => ({
  ...(form && { form }),
  ...(form === "compiled" && firstMs !== undefined && { compileSeconds: firstMs / 1000 }),
});

export async function loadPyTorch(threads: number): Promise<ProductPeer> {
  const { process, description } = await startPyTorch("eager", threads);
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
