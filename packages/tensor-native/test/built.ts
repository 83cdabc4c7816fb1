/** The engine that tests try: the one of `npm run build:native`, or of the folder that NORMLESS_NATIVE_FOLDER names. */
import { fileURLToPath } from "node:url";
import { native, type NativeBackend, type NativeOptions } from "../src/index.js";

export const BUILD =
  process.env.NORMLESS_NATIVE_FOLDER ?? fileURLToPath(new URL("../build", import.meta.url));

export function engine(options: NativeOptions = {}): Promise<NativeBackend> {
  return native({ ...options, folder: BUILD });
}

/** Whether there is one. Where there is no compiler its tests are left out, and that is said. */
export const isBuilt = await engine({ threads: 1 }).then(
  async (backend) => {
    await backend.dispose();
    return true;
  },
  (error: Error) => {
    if (!error.message.includes("it is not built")) throw error;
    console.warn(`LEFT OUT: tests of the native engine: ${error.message}`);
    return false;
  },
);
