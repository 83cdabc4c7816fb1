/** What reaches a terminal: this command's colours, and nothing else that it would obey. */
import fc from "fast-check";
import pc from "picocolors";
import { expect, it } from "vitest";
import { safeText } from "../../src/terminal/safe-text.js";

it("lets colours, tabs and line feeds through, and no other control character", () => {
  const colors = pc.createColors(true);
  const ours = `${colors.red("normless:")} ${colors.bold("a")}\t${colors.dim("b")}\n`;
  expect(safeText(ours)).toBe(ours);
  expect(safeText("\u001b]0;title\u0007\r\u001b[2J\u001b[8m\u009b1A\u202e")).toBe(
    "\\u{1b}]0;title\\u{7}\\u{d}\\u{1b}[2J\\u{1b}[8m\\u{9b}1A\\u{202e}",
  );
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const shown = safeText(text).replaceAll(/\u001b\[\d+m/g, "");
      expect(shown).not.toMatch(/[^\P{Cc}\t\n]|[\u202a-\u202e\u2066-\u2069]/u);
    }),
  );
});
