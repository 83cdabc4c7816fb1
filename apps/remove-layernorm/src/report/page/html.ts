/** HTML as a tagged template: every value is escaped unless it is HTML already, so that no text can become markup. */

export class Html {
  constructor(readonly text: string) {}
}

type Value = Html | string | number | undefined | readonly (Html | undefined)[];

const entities: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function markup(value: Value): string {
  if (value === undefined) return "";
  if (value instanceof Html) return value.text;
  if (typeof value === "object") return value.map(markup).join("");
  return String(value).replace(/[&<>"']/g, (character) => entities[character]);
}

/** Text and numbers are escaped, for element content and quoted attributes alike; lists are joined; undefined is nothing. */
export function html(strings: TemplateStringsArray, ...values: Value[]): Html {
  return new Html(String.raw({ raw: strings }, ...values.map(markup)));
}

/** Our own style sheet, as it is. @throws Error when the text would end its element. */
export function rawText(text: string): Html {
  if (text.includes("</")) throw new Error("a style sheet cannot hold `</`: it would end its element");
  return new Html(text);
}

/**
 * Data for people who want the figures: a script element that browsers do not run. `<`, `>` and the two line ends
 * that JSON allows and scripts did not are written as escapes, so that no string inside can end the element.
 */
export function jsonElement(id: string, data: unknown): Html {
  const json = JSON.stringify(data).replace(
    /[<>\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return html`<script type="application/json" id="${id}">
    ${new Html(json)}
  </script>`;
}
