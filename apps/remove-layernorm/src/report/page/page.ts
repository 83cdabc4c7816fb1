/**
 * A whole page that needs no network and runs no script. Its content policy forbids both, so that what a model wrote
 * can do nothing even if an escape were missed.
 */
import { type Html, html, jsonElement, rawText } from "./html.js";
import { style } from "./style.js";

export interface Page {
  readonly title: string;
  readonly about: Html;
  readonly headline: Html;
  /** Below the headline: what is to be known before the rest is read. */
  readonly notes?: Html;
  readonly main: Html;
  /** A style sheet after the common one. */
  readonly styles?: string;
  /** Everything that the page shows, as JSON inside it. */
  readonly data: unknown;
}

export function page({ title, about, headline, notes, main, styles = "", data }: Page): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <title>${title}</title>
        <style>
          ${rawText(style + styles)}
        </style>
      </head>
      <body>
        <header>
          <h1>${title}</h1>
          <p class="about">${about}</p>
          <p class="headline">${headline}</p>
          ${notes}
        </header>
        <main>${main}</main>
        <footer>
          Every figure of this page is inside it, as JSON:
          <code>JSON.parse(document.getElementById("data").textContent)</code>
        </footer>
        ${jsonElement("data", data)}
      </body>
    </html> `.text;
}

/** Nothing where there is nothing to show. */
export function section(title: string, content: Html | undefined): Html | undefined {
  return (
    content &&
    html`<section>
      <h2>${title}</h2>
      ${content}
    </section>`
  );
}
