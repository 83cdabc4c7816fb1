/** Servers that send without end, or nothing, or what no hub does. */
import { readdir, readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { answerJson, COMMIT, entryOf } from "@normless/hub/testing";
import { hubFolder, type HubFolder, inspect, NAME, WEIGHTS } from "./hub-folder.js";

let test: HubFolder;
beforeEach(async () => {
  test = await hubFolder();
});
afterEach(() => test.remove());

const TREE = `/api/models/${NAME}/tree/${COMMIT}`;
const bytesOfAll = async () => {
  const folder = join(test.home, "blobs");
  const names = await readdir(folder).catch(() => []);
  const files = await Promise.all(names.map((name) => readFile(join(folder, name))));
  return files.map(({ length }) => length).sort((a, b) => a - b);
};

/** Sends pieces until the other side hangs up. */
function endless(response: ServerResponse, piece: Buffer): void {
  const more = () => {
    while (!response.destroyed && response.write(piece));
    if (!response.destroyed) response.once("drain", more);
  };
  more();
}

/** Answers requests for these paths alone; how many there were. */
function answering(
  ending: string,
  answer: (response: ServerResponse, count: number) => void,
): { count: number } {
  const asked = { count: 0 };
  test.hub.instead = (path, _request, response) => {
    if (!path.endsWith(ending)) return false;
    answer(response, ++asked.count);
    return true;
  };
  return asked;
}

describe("a body", () => {
  it("that goes on beyond its size is refused there, and nothing of it stays", async () => {
    const asked = answering(WEIGHTS, (response) => {
      response.writeHead(200);
      endless(response, test.files[WEIGHTS]);
    });
    const { code, err } = await inspect();
    expect(code).toBe(1);
    const size = test.files[WEIGHTS].length.toLocaleString("en-US");
    expect(err).toContain(
      `${WEIGHTS}: more came than the ${size} bytes that the hub lists; it was thrown away`,
    );
    expect(asked.count).toBe(1);
    const whole = ["vocab.json", "merges.txt"].map((name) => test.files[name].length);
    expect(await bytesOfAll()).toEqual(whole.sort((a, b) => a - b));
  });

  it("of which nothing more comes is asked for again from there on", async () => {
    vi.stubEnv("HF_HUB_DOWNLOAD_TIMEOUT", "0.2");
    const ranges: (string | undefined)[] = [];
    test.hub.instead = (path, { headers }, response) => {
      if (!path.endsWith(WEIGHTS)) return false;
      ranges.push(headers.range);
      if (ranges.length > 2) return false;
      // The first sends no head, the second a part.
      if (ranges.length === 2) response.writeHead(200).write(test.files[WEIGHTS].subarray(0, 100));
      return true;
    };
    expect((await inspect()).code).toBe(0);
    expect(ranges).toEqual([undefined, undefined, `bytes=100-${test.files[WEIGHTS].length - 1}`]);
    expect(await readFile(test.blobOf(WEIGHTS))).toEqual(test.files[WEIGHTS]);
  });

  it("of which nothing comes again and again is given up", async () => {
    vi.stubEnv("HF_HUB_DOWNLOAD_TIMEOUT", "0.1");
    const asked = answering(WEIGHTS, () => undefined);
    const { code, err } = await inspect();
    expect([code, asked.count]).toEqual([1, 3]);
    expect(err).toMatch(/broke off after 0 of [\d,]+ bytes \(nothing came for 0\.1 seconds; to wait/);
  });

  it("of a server that knows no ranges begins anew", async () => {
    test.hub.breaks.set(WEIGHTS, [500]);
    test.hub.instead = (_path, request) => {
      delete request.headers.range;
      return false;
    };
    expect((await inspect()).code).toBe(0);
    expect(await readFile(test.blobOf(WEIGHTS))).toEqual(test.files[WEIGHTS]);
  });

  it("that is another part than was asked for, or not there, is an error", async () => {
    test.hub.breaks.set(WEIGHTS, [500]);
    test.hub.instead = (path, { headers }, response) => {
      if (!path.endsWith(WEIGHTS) || headers.range === undefined) return false;
      response.writeHead(206, { "content-range": "bytes 7-9/10" }).end("abc");
      return true;
    };
    expect((await inspect()).err).toContain("is answered with 206");
    answering(WEIGHTS, (response) => answerJson(response, {}, 404));
    expect((await inspect()).err).toContain(`lists ${WEIGHTS} and does not have it`);
  });

  it("that the server is in trouble with is asked for again", async () => {
    const asked = answering(WEIGHTS, (response, count) => {
      if (count < 3) return answerJson(response, {}, 503);
      response.writeHead(200).end(test.files[WEIGHTS]);
    });
    expect((await inspect()).code).toBe(0);
    expect(asked.count).toBe(3);
  });

  it("that is larger than the disk is not begun", async () => {
    const entries = Object.entries(test.files).map(([path, content]) => entryOf(path, content));
    const huge = entries.map((entry) =>
      entry.path === WEIGHTS ? { ...entry, lfs: undefined, size: 1e15 } : entry,
    );
    answering(TREE, (response) => answerJson(response, huge));
    const { code, err } = await inspect();
    expect(code).toBe(1);
    expect(err).toMatch(/1000\.0 TB are still to come, and the disk of \S+ has [\d.]+ [kMGT]?B free/);
    expect(await bytesOfAll()).toEqual([]);
  });

  it.each([-1, 1.5, "12", null])("of %j bytes is refused", async (size) => {
    answering(TREE, (response) =>
      answerJson(
        response,
        Object.entries(test.files).map(([path, content]) => ({
          ...entryOf(path, content),
          lfs: undefined,
          size,
        })),
      ),
    );
    expect((await inspect()).err).toContain(`has ${JSON.stringify(size)} bytes`);
  });
});

describe("a list of files", () => {
  const page = (response: ServerResponse, next: string, entries: object[]) => {
    response.setHeader("link", `<${test.hub.url}${TREE}?${next}>; rel="next"`);
    answerJson(response, entries);
  };

  it("on pages without end is left after a hundred, and on full ones earlier", async () => {
    const asked = answering(TREE, (response, count) => page(response, `page=${count}`, []));
    const { code, err } = await inspect();
    expect(code).toBe(1);
    expect(err).toContain("lists more than 100 pages of files, as no model has");
    expect(asked.count).toBe(100);

    const entries = Array.from({ length: 30_000 }, (_, i) => ({
      type: "file",
      path: `${i}`,
      size: 1,
      oid: "0",
    }));
    const full = answering(TREE, (response, count) => page(response, `page=${count}`, entries));
    expect((await inspect()).err).toContain("lists more than 100,000 files");
    expect(full.count).toBe(4);
  });

  it("on several pages is read to its end", async () => {
    const entries = Object.entries(test.files).map(([path, content]) => entryOf(path, content));
    answering(TREE, (response, count) => {
      if (count < entries.length) return page(response, "", [entries[count - 1]]);
      answerJson(response, [entries[count - 1]]);
    });
    expect((await inspect()).code).toBe(0);
  });

  it("with paths that climb out of the snapshot brings none of them", async () => {
    const index = { weight_map: { "wte.weight": "../../../../../evil.safetensors" } };
    test.files["model.safetensors.index.json"] = Buffer.from(JSON.stringify(index));
    const { [WEIGHTS]: weights, ...rest } = test.files;
    const listed = {
      ...rest,
      "../../../../../evil.safetensors": weights,
      "/evil": weights,
      "../vocab.json": weights,
    };
    answering(TREE, (response) =>
      answerJson(
        response,
        Object.entries(listed).map(([path, content]) => entryOf(path, content)),
      ),
    );
    const { code, err } = await inspect();
    expect(code).toBe(1);
    expect(err).toContain("expected the plain name of a file in the same folder");
    expect((await readdir(test.folder)).sort()).toEqual(["cache", "model", "recipe.json"]);
  });
});

describe("an answer", () => {
  const MODEL = "/revision/main";

  it("without end is left", async () => {
    for (const ending of [MODEL, TREE]) {
      answering(ending, (response) => {
        response.writeHead(200, { "content-type": "application/json" });
        endless(response, Buffer.alloc(2 ** 20, " "));
      });
      const { code, err } = await inspect();
      expect(code).toBe(1);
      expect(err).toContain("more came than 16,777,216 bytes");
    }
  });

  it("that does not come, or ends in the middle in silence, is none", async () => {
    vi.stubEnv("HF_HUB_DOWNLOAD_TIMEOUT", "0.1");
    answering(MODEL, () => undefined);
    expect((await inspect()).err).toContain(
      "cannot be reached (nothing came for 0.1 seconds; to wait for longer",
    );
    answering(MODEL, (response) => response.writeHead(200).write("{"));
    expect((await inspect()).err).toContain(
      "cannot be reached (nothing came for 0.1 seconds; to wait for longer",
    );
  });

  it("that leads from one address to the next without end is none", async () => {
    answering(MODEL, (response) => response.writeHead(302, { location: `${test.hub.url}/x${MODEL}` }).end());
    expect((await inspect()).err).toContain("cannot be reached (redirect count exceeded)");
  });

  it("that is no hub's is an error that says so", async () => {
    for (const answer of ["<html>", "[]", "null", '{"sha": "HEAD"}']) {
      answering(MODEL, (response) => response.writeHead(200).end(answer));
      expect((await inspect()).err, answer).toMatch(/answers as no hub does|tells no commit of it/);
    }
    answering(TREE, (response) => answerJson(response, { error: "none" }));
    expect((await inspect()).err).toMatch(/answers as no hub does \(.*\); check HF_ENDPOINT/);
  });
});
