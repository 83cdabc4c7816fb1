/** Parquet files that its library would read for ever, or into any memory. */
import { asyncBufferFromFile } from "hyparquet";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ParquetThread } from "../src/formats/parquet-thread.js";
import { type DataFolder, dataFolder, parquet } from "./data-folder.js";

let folder: DataFolder;
beforeAll(async () => {
  folder = await dataFolder();
});
afterAll(() => folder.remove());

it("is ended where it does not come back, and where it takes too much memory", async () => {
  const file = await asyncBufferFromFile(
    await folder.write(
      "a.parquet",
      parquet({ text: Array.from({ length: 300_000 }, (_, i) => `text ${i}`) }),
    ),
  );
  // No thread begins in a millisecond.
  const slow = new ParquetThread({ memory: 1000, silence: 1 });
  await expect(slow.open(file)).rejects.toThrow("reading it takes longer than 0.001 seconds");
  expect(slow.isWell).toBe(false);

  const waiting = new ParquetThread();
  const never = { byteLength: file.byteLength, slice: () => new Promise<ArrayBuffer>(() => undefined) };
  const opening = waiting.open(never);
  await waiting.close();
  await expect(opening).rejects.toThrow("its thread ended");
  expect(waiting.isWell).toBe(false);

  const small = new ParquetThread({ memory: 8, silence: 60_000 });
  const filled = small.open(file).then(() => small.rows(["text"], 0, 300_000));
  await expect(filled).rejects.toThrow("it takes more than 8 MiB of memory");
});

it("reads one file after the other, also after one that is damaged", async () => {
  const thread = new ParquetThread();
  const good = await asyncBufferFromFile(await folder.write("good.parquet", parquet({ text: ["a", "b"] })));
  const bad = await asyncBufferFromFile(await folder.write("bad.parquet", "PAR1 and no more PAR1"));
  for (let i = 0; i < 2; i++) {
    await expect(thread.open(bad)).rejects.toThrow();
    expect(thread.isWell).toBe(true);
    expect(await thread.open(good)).toEqual({ names: ["text"], rows: 2, groupRows: [2] });
    expect(await thread.rows(["text"], 0, 2)).toEqual([{ text: "a" }, { text: "b" }]);
  }
  await thread.close();
});

it("asks once for what it needs of several columns", async () => {
  const path = await folder.write(
    "columns.parquet",
    parquet({ a: ["x", "y"], b: ["z", "w"], c: ["u", "v"] }),
  );
  const file = await asyncBufferFromFile(path);
  const asked: [number, number][] = [];
  const slice = (begin: number, end = file.byteLength) => {
    asked.push([begin, end]);
    return file.slice(begin, end);
  };
  const thread = new ParquetThread();
  await thread.open({ byteLength: file.byteLength, slice });
  asked.length = 0;
  const rows = await thread.rows(["a", "b", "c"], 0, 2);
  expect(rows).toEqual([
    { a: "x", b: "z", c: "u" },
    { a: "y", b: "w", c: "v" },
  ]);
  expect(asked).toHaveLength(3);
  await thread.close();
});
