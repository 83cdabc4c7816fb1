import { defineConfig } from "vitest/config";
import base from "./vitest.config.js";

// The tests that need a BLAS on this machine (Debian: apt-get install libopenblas0): `npm run test:blas`.
export default defineConfig({ ...base, test: { ...base.test, include: ["test/blas/*.test.ts"] } });
