/** A page taken apart: its data, its text and the cells of its pictures; what every page has to be is checked on the way. */
import { expect } from "vitest";

/** A cell of a picture. */
export interface PageCell {
  readonly far: number;
  readonly below: boolean;
  readonly note: string;
  /** The group whose cells arrow keys go through. */
  readonly group: string;
}

/** @throws an assertion where the page needs a network, runs a script, or shows what is no number */
export function pageParts<X>(page: string): {
  readonly data: X;
  readonly text: string;
  readonly cells: PageCell[];
} {
  const [, json] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(page) ?? [];
  const text = page.replace(/<script .*<\/script>/s, "").replace(/\s+/g, " ");
  expect(page.match(/<script\b[^>]*>/g)).toEqual(['<script type="application/json" id="data">']);
  expect(text).not.toMatch(/\b(?:src|href|srcset|action)\s*=|url\(|@import|<[^>]*\bon\w+\s*=/i);
  expect(text).not.toMatch(/NaN|Infinity|undefined|\[object/);
  const cells = [
    ...text.matchAll(
      /<label class="(cell[^"]*)" style="--far:(\d+)" ?> ?<input type="radio" name="([^"]+)" ?\/>(.*?)<\/label ?>/g,
    ),
  ];
  return {
    data: JSON.parse(json) as X,
    text,
    cells: cells.map(([, classes, far, group, inside]) => ({
      ...{ far: Number(far), below: / below\b/.test(classes), group },
      note: (/<p class="(?:left|right)">(.*)<\/p>/.exec(inside)?.[1] ?? "").replace(/<[^>]*>/g, " "),
    })),
  };
}
