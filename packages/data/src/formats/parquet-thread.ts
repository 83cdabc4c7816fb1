/**
 * hyparquet in a thread of its own. It trusts what a file says of its pages, so that one of a few bytes can ask for any
 * memory, or for work that never ends: the thread's memory is bounded, and it is ended where it does not come back. The
 * file's bytes are read here, when the thread asks for them.
 */
import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import type { AsyncBuffer } from "hyparquet";
import { systemCode } from "../errors.js";

/**
 * What the thread runs: it is handed one request at a time, `open` or `rows`, and asks for bytes on the way. A text, since
 * a thread begins with a file or with a text, and whoever bundles this package would not find the file.
 */
const PROGRAM = `
const { parentPort, workerData } = require("node:worker_threads");
const { pathToFileURL } = require("node:url");
const libraries = Promise.all(workerData.map((path) => import(pathToFileURL(path).href)));
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
// All of a text: the library's own would put U+FFFD for what is no UTF-8, and drop a U+FEFF at its beginning.
const stringFromBytes = (bytes) => {
  try {
    return utf8.decode(bytes);
  } catch {
    const begin = new TextDecoder().decode(bytes.subarray(0, 40));
    throw new Error("a text is no UTF-8, it begins with " + JSON.stringify(begin));
  }
};
let waiting = Promise.resolve();
let given;
// One after the other: an answer does not say what it is to.
const slice = (begin, end) => (waiting = waiting.then(() => new Promise((resolve) => {
  given = resolve;
  parentPort.postMessage({ begin, end });
})));
let file;
let metadata;
const answer = async (request) => {
  const [{ parquetMetadataAsync, parquetReadObjects, parquetSchema }, { parquetHeader }, { compressors }] = await libraries;
  if ("open" in request) {
    file = { byteLength: request.open, slice: (begin, end = request.open) => slice(begin, end) };
    metadata = await parquetMetadataAsync(file);
    return {
      names: parquetSchema(metadata).children.map(({ element }) => element.name),
      rows: Number(metadata.num_rows),
      groupRows: metadata.row_groups.map(({ num_rows }) => Number(num_rows)),
    };
  }
  const read = await checked(request.columns, request.rowStart, parquetHeader);
  return parquetReadObjects({ file: read, metadata, compressors, parsers: { stringFromBytes }, ...request });
};
// The numbers that a page's header must have, of what kind it is.
const countsOf = ({ compressed_page_size, uncompressed_page_size, data_page_header, dictionary_page_header, data_page_header_v2: v2 }) => [
  compressed_page_size,
  uncompressed_page_size,
  ...[data_page_header, dictionary_page_header].flatMap((header) => (header ? [header.num_values] : [])),
  ...(v2 ? [v2.num_values, v2.num_nulls, v2.num_rows, v2.definition_levels_byte_length, v2.repetition_levels_byte_length] : []),
];
// The file with a row group's columns read ahead. With a size below nothing, or none, a page would be read for ever.
const checked = async (columns, rowStart, parquetHeader) => {
  let before = 0;
  const group = metadata.row_groups.find(({ num_rows }) => (before += Number(num_rows)) > rowStart);
  const parts = [];
  for (const { meta_data: column } of group.columns) {
    if (!column || !columns.includes(column.path_in_schema[0])) continue;
    const begin = Number(column.dictionary_page_offset || column.data_page_offset);
    const end = begin + Number(column.total_compressed_size);
    if (!(begin >= 0 && end >= begin && end <= file.byteLength)) throw new Error("a column is not within the file");
    const bytes = await file.slice(begin, end);
    parts.push({ begin, end, bytes });
    const reader = { view: new DataView(bytes), offset: 0 };
    while (reader.offset < bytes.byteLength - 1) {
      let header;
      try {
        header = parquetHeader(reader);
      } catch {
        break;
      }
      const wrong = countsOf(header).filter((count) => !(count >= 0));
      if (wrong.length > 0) throw new Error("a page has a size or a count that is " + wrong[0]);
      reader.offset += header.compressed_page_size;
    }
  }
  parts.sort((a, b) => a.begin - b.begin);
  // What lies in one of them, or goes on from one to the next, is not asked for again.
  const slice = async (from, to) => {
    const bytes = new Uint8Array(Math.max(0, to - from));
    let at = from;
    for (const part of parts) {
      if (at >= to || at < part.begin || at >= part.end) continue;
      const end = Math.min(to, part.end);
      bytes.set(new Uint8Array(part.bytes, at - part.begin, end - at), at - from);
      at = end;
    }
    return at >= to ? bytes.buffer : file.slice(from, to);
  };
  return { byteLength: file.byteLength, slice };
};
parentPort.on("message", (message) => {
  if (message instanceof ArrayBuffer) return given(message);
  answer(message).then(
    (result) => parentPort.postMessage({ result }),
    (error) => parentPort.postMessage({ error: String(error?.message ?? error) }),
  );
});
`;

/** What the thread tells of a file. */
export interface ParquetFacts {
  readonly names: readonly string[];
  /** Rows, by the footer and by each of its row groups. */
  readonly rows: number;
  readonly groupRows: readonly number[];
}

/** What the bounds are. */
export interface ThreadBounds {
  /** MiB for what a row group is unpacked to. */
  readonly memory: number;
  /** Milliseconds between two signs of life. */
  readonly silence: number;
}

const BOUNDS: ThreadBounds = { memory: 4096, silence: 120_000 };

/** A thread that reads files, one after the other. */
export class ParquetThread {
  readonly #worker: Worker;
  readonly #bounds: ThreadBounds;
  #file: AsyncBuffer | undefined;
  #end: ((answer: Answer) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isWell = true;

  constructor(bounds: ThreadBounds = BOUNDS) {
    this.#bounds = bounds;
    const path = (name: string) => createRequire(import.meta.url).resolve(name);
    const workerData = ["hyparquet", "hyparquet/src/column.js", "hyparquet-compressors"].map(path);
    const resourceLimits = { maxOldGenerationSizeMb: bounds.memory };
    this.#worker = new Worker(PROGRAM, { eval: true, workerData, resourceLimits });
    this.#worker.on("message", (message: Question | Answer) => {
      if ("begin" in message) void this.#give(message);
      else this.#done(message);
    });
    this.#worker.on("error", (error) => {
      const isTooLarge = systemCode(error) === "ERR_WORKER_OUT_OF_MEMORY";
      this.#ended({
        error: isTooLarge ? `it takes more than ${bounds.memory} MiB of memory` : error.message,
      });
    });
    this.#worker.on("exit", () => this.#ended({ error: "its thread ended" }));
    // Nobody waits for a thread that nobody has asked.
    this.#worker.unref();
  }

  /** Reads a file's footer; what is read from now on is of this file. @throws Error saying what hyparquet says */
  open(file: AsyncBuffer): Promise<ParquetFacts> {
    this.#file = file;
    return this.#ask({ open: file.byteLength }) as Promise<ParquetFacts>;
  }

  /** Rows of the file, of some columns. @throws Error saying what hyparquet says */
  rows(columns: readonly string[], rowStart: number, rowEnd: number): Promise<Record<string, unknown>[]> {
    return this.#ask({ columns, rowStart, rowEnd }) as Promise<Record<string, unknown>[]>;
  }

  /** Whether another file can be read: the thread was not ended, and waits for nothing. */
  get isWell(): boolean {
    return this.#isWell;
  }

  /** Ends the thread, whatever it does. */
  close(): Promise<unknown> {
    return this.#worker.terminate();
  }

  async #ask(request: object): Promise<unknown> {
    this.#worker.ref();
    const answer = await new Promise<Answer>((resolve) => {
      this.#end = resolve;
      this.#wait();
      this.#worker.postMessage(request);
    });
    this.#worker.unref();
    if ("result" in answer) return answer.result;
    throw "cause" in answer ? answer.cause : new Error(answer.error);
  }

  /** Sends bytes that the thread asks for. */
  async #give({ begin, end }: Question): Promise<void> {
    clearTimeout(this.#timer);
    try {
      const bytes = await this.#file!.slice(begin, end);
      // What was asked for in vain is asked for to its end.
      if (this.#end) this.#wait();
      this.#worker.postMessage(bytes, [bytes]);
    } catch (cause) {
      // The disk's or the server's word, and not what the thread would make of it.
      this.#ended({ cause: cause instanceof Error ? cause : new Error(String(cause)) });
    }
  }

  #wait(): void {
    const { silence } = this.#bounds;
    this.#timer = setTimeout(() => {
      this.#ended({ error: `reading it takes longer than ${silence / 1000} seconds` });
    }, silence);
  }

  #ended(answer: Answer): void {
    this.#isWell = false;
    this.#done(answer);
    void this.close();
  }

  #done(answer: Answer): void {
    clearTimeout(this.#timer);
    this.#end?.(answer);
    this.#end = undefined;
  }
}

/** Bytes that the thread asks for. */
interface Question {
  readonly begin: number;
  readonly end: number;
}

/** A result, or what went wrong: in the thread, or in reading the bytes that it asked for. */
type Answer = { readonly result: unknown } | { readonly error: string } | { readonly cause: Error };
