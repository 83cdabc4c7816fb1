/** Finding a library with `cblas_sgemm`, and asking it what it is. */
import { BackendError } from "@normless/tensor";
import koffi, { type LibraryHandle } from "koffi";
import { readFileSync } from "node:fs";
import { platform } from "node:os";

/** A BLAS that was loaded. */
export interface Library {
  /** `cblas_sgemm` with addresses for A, B and C. */
  readonly sgemm: (...args: (number | bigint)[]) => void;
  /** For people and for the record: `OpenBLAS 0.3.21 … (libopenblas.so.0)`. */
  readonly description: string;
  /** Undefined where the library has no such function; it then takes what its environment says. */
  readonly setThreads?: ((threads: number) => void) | undefined;
}

/** Tried in order; the first that has `cblas_sgemm` is taken. */
const USUAL: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: [
    "libmkl_rt.so.2",
    "libmkl_rt.so",
    "libopenblas.so.0",
    "libopenblas.so",
    "libblis.so.4",
    "libcblas.so.3",
  ],
  darwin: [
    "/System/Library/Frameworks/Accelerate.framework/Accelerate",
    "/opt/homebrew/opt/openblas/lib/libopenblas.dylib",
    "/usr/local/opt/openblas/lib/libopenblas.dylib",
  ],
  win32: ["mkl_rt.2.dll", "mkl_rt.dll", "libopenblas.dll", "openblas.dll"],
};
const INSTALL: Partial<Record<NodeJS.Platform, string>> = {
  linux: "Install one (Debian, Ubuntu: apt install libopenblas0; Fedora: dnf install openblas)",
  darwin: "macOS has Accelerate; otherwise brew install openblas",
  win32: "Put OpenBLAS's libopenblas.dll on the PATH",
};

/** @throws BackendError when there is none, or the one that was asked for does not serve. */
export function loadLibrary(asked?: string): Library {
  const names = asked === undefined ? (USUAL[platform()] ?? []) : [asked];
  const problems: string[] = [];
  for (const name of names) {
    try {
      return bind(load(name), name);
    } catch (error) {
      problems.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const advice = INSTALL[platform()] ?? "Install OpenBLAS";
  throw new BackendError(
    `blas: no library with cblas_sgemm was found. ${advice}, or name a library by its path. ` +
      `Tried ${problems.join("; ") || "nothing: no usual names are known on this system"}.`,
  );
}

/**
 * An OpenBLAS older than the processor takes kernels for very old ones, at a quarter of the speed, unless it is told
 * better: on a processor with AVX-512 it is, where the environment says nothing, while the library loads.
 */
function load(name: string): LibraryHandle {
  if (process.env.OPENBLAS_CORETYPE !== undefined || !hasAvx512()) return koffi.load(name);
  process.env.OPENBLAS_CORETYPE = "SkylakeX";
  try {
    return koffi.load(name);
  } finally {
    delete process.env.OPENBLAS_CORETYPE;
  }
}

function hasAvx512(): boolean {
  if (platform() !== "linux") return false;
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1].split(" ") ?? [];
  return ["avx512f", "avx512bw", "avx512dq", "avx512vl"].every((flag) => flags.includes(flag));
}

const SGEMM =
  "void cblas_sgemm(int order, int transA, int transB, int M, int N, int K, float alpha, " +
  "uintptr_t A, int lda, uintptr_t B, int ldb, float beta, uintptr_t C, int ldc)";

function bind(library: LibraryHandle, name: string): Library {
  return {
    sgemm: library.func(SGEMM),
    description: `${nameOf(library) ?? "BLAS"} (${name})`,
    setThreads:
      optional<(threads: number) => void>(library, "void openblas_set_num_threads(int threads)") ??
      optional<(threads: number) => void>(library, "void MKL_Set_Num_Threads(int threads)") ??
      optional<(threads: number) => void>(library, "void bli_thread_set_num_threads(int64_t threads)"),
  };
}

function nameOf(library: LibraryHandle): string | undefined {
  const openblas = optional<() => string>(library, "str openblas_get_config()");
  if (openblas) return openblas().trim();
  const mkl = optional<(buffer: Buffer, size: number) => void>(
    library,
    "void MKL_Get_Version_String(void *buffer, int size)",
  );
  if (!mkl) return optional<() => string>(library, "str bli_info_get_version_str()")?.call(undefined);
  const buffer = Buffer.alloc(256);
  mkl(buffer, buffer.length);
  return buffer.toString("latin1").replace(/\0.*$/s, "").trim();
}

/** A function that not every library has. */
function optional<F>(library: LibraryHandle, signature: string): F | undefined {
  try {
    return library.func(signature) as F;
  } catch {
    return undefined;
  }
}
