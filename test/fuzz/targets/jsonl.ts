/** Rows of JSON, with texts or with token ids. */
import { dataTarget, rowsOf } from "../data-file.js";

const text = (value: string) => new TextEncoder().encode(value);

export const target = dataTarget({
  seeds: () =>
    Promise.resolve([
      text(
        '{"text": "the cat", "meta": {"a": [1, null, true]}}\n\n{"text": "a\\u00e9\\ud83d\\ude00<|endoftext|>"}\n',
      ),
      text('{"tokens": [1, 2, 65535]}\n{"tokens": []}\n'),
      text('{"input_ids": [1], "text": null}\r\n'),
      text(`{"text": "a", "more": ${"[".repeat(200)}${"]".repeat(200)}}`),
      text('{"text": " "}'),
      text('{"text": " "} '),
      text('{"text": "a", "tokens": [1]}'),
      ...[0, 1, 2, 3, 4, 5, 6].map((spaces) =>
        text(`{"tokens": [1, 2], "input_ids": [3]}${" ".repeat(spaces)}`),
      ),
      ...[0, 1, 2, 3, 4, 5, 6].map((spaces) =>
        text(
          `{"a": 1, "b": 2, "c": [3], "d": 4, "e": 5, "f": 6, "g": 7, "h": 8, "i": 9}${" ".repeat(spaces)}`,
        ),
      ),
      text('{"body": "a"}\n'),
      text('{"text": "a"}\n[1]\n'),
      text('{"tokens": [1.5, -1]}\n'),
      text('{"text": {"\\u001b[31m": 1}}\n'),
      text('\ufeff{"text": "\xe9"}\n'),
      Uint8Array.of(0x7b, 0x22, 0xff),
    ]),
  read: (bytes) => rowsOf("a-file.jsonl", bytes),
  files: [
    "data/src/formats/records",
    "data/src/formats/lines",
    "data/src/formats/documents",
    "data/src/errors",
    "text/src/json",
    "text/src/errors",
    "text/src/printable",
  ],
});
