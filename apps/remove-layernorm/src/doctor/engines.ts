/** Every engine: whether it is there, or why not, and whether it computes what the reference does. */
import { type EngineName, engineNames, startEngine } from "../engine/engine.js";
import { messageOf } from "../errors.js";
import { selfTest, type SelfTest } from "./self-test.js";

export interface EngineFacts {
  readonly engine: EngineName;
  /** What really runs, for people; undefined where it is not there. */
  readonly description?: string;
  /** Why it is not there, or what broke in its test. */
  readonly why?: string;
  /** The most that its tensors may take, where there is such a bound. */
  readonly limitBytes?: number | undefined;
  readonly test?: SelfTest;
}

/** The reference is what the others are held against. */
const ENGINES = engineNames.filter((name) => name !== "reference");

/** One after the other, as each has been looked at. */
export async function* lookAtEngines(threads?: number): AsyncGenerator<EngineFacts> {
  for (const engine of ENGINES) yield await lookAt(engine, threads);
}

async function lookAt(name: EngineName, threads: number | undefined): Promise<EngineFacts> {
  let engine;
  try {
    engine = await startEngine({ backend: name, threads });
  } catch (error) {
    return { engine: name, why: messageOf(error) };
  }
  const { backend } = engine;
  const facts = { engine: name, description: backend.description, limitBytes: backend.memory().limitBytes };
  try {
    return { ...facts, test: await selfTest(backend) };
  } catch (error) {
    return { ...facts, why: messageOf(error) };
  } finally {
    await backend.dispose();
  }
}

/** Whether an engine that is there does not compute what it should. */
export const isBroken = ({ description, test }: EngineFacts): boolean =>
  description !== undefined && test?.passed !== true;

/** The builds of the WebAssembly engine, by what each has to say. */
export async function simdFacts(): Promise<Readonly<Record<"relaxed" | "plain", string>>> {
  const fact = async (simd: "relaxed" | "plain") => {
    try {
      const { backend } = await startEngine({ backend: "wasm", simd, threads: 1 });
      await backend.dispose();
      return simd === "relaxed" ? "there, fuses multiplication and addition" : "there";
    } catch (error) {
      return messageOf(error);
    }
  };
  return { relaxed: await fact("relaxed"), plain: await fact("plain") };
}
