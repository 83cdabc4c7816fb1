/** Columns of a parquet file. */
import { parquetWriteBuffer } from "hyparquet-writer";
import { dataTarget, rowsOf } from "../data-file.js";

type Columns = Parameters<typeof parquetWriteBuffer>[0]["columnData"];
const file = (columnData: Columns, more: Partial<Parameters<typeof parquetWriteBuffer>[0]> = {}) =>
  new Uint8Array(parquetWriteBuffer({ columnData, ...more }));

const texts = ["the cat", "", "é"];

export const target = dataTarget({
  seeds: () =>
    Promise.resolve([
      file([{ name: "text", data: texts, type: "STRING" }], { codec: "UNCOMPRESSED" }),
      file([{ name: "text", data: texts, type: "STRING" }]),
      file([{ name: "text", data: [...texts, ...texts, ...texts], type: "STRING" }], { rowGroupSize: 3 }),
      file([{ name: "tokens", data: [[1, 2], [3]] }], { codec: "UNCOMPRESSED" }),
      file([{ name: "n", data: [1, 2], type: "INT32" }], { codec: "UNCOMPRESSED" }),
      file([{ name: "tokens", data: [[1n], [2.5]] }]),
      file([{ name: "text", data: [Uint8Array.of(0xff)], type: "BYTE_ARRAY" }]),
      file([
        { name: "text", data: [1, 2] },
        { name: "tokens", data: [["a"], [null]] },
      ]),
      file([{ name: "text", data: [{ a: 1 }, [2]], type: "JSON" }]),
      file([{ name: "text", data: ["a", null], type: "STRING" }], { codec: "UNCOMPRESSED" }),
      new TextEncoder().encode("PAR1PAR1"),
      new Uint8Array(),
    ]),
  read: (bytes) => rowsOf("a-file.parquet", bytes),
  library: true,
  files: ["data/src/formats/parquet", "data/src/formats/documents"],
});
