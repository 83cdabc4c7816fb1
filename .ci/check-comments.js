// Every export of the packages has a doc comment of its own, as editors show it, and says what it throws itself: node .ci/check-comments.js
// A comment at the start of a file is the file's. Where a declaration follows it, with none between, editors show it there.
import { readdirSync, readFileSync } from "node:fs";
import ts from "typescript";

/** An op is told of where its contract is (packages/tensor/src/kernels), not again by each backend. */
const IMPLEMENTATIONS = /(gpu|wgsl|tensor-(wasm|native)\/src)\/kernels\//;

const isExported = ({ modifiers = [] }) => modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);

/** The declarations that a file exports: names, and the comment that an editor shows, if any. */
function exportsOf(file) {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ES2022, true);
  return source.statements.filter(isExported).flatMap((statement) => {
    const constants = statement.declarationList?.declarations;
    if (constants && IMPLEMENTATIONS.test(file)) return [];
    const names = (constants ?? [statement]).map(({ name }) => name.text);
    const comment = ts.getJSDocCommentsAndTags(statement).find(ts.isJSDoc);
    return names.map((name) => ({ name, comment }));
  });
}

/** Whether a function throws in its own body, not in those that it makes or calls. */
function throws(node) {
  let found = false;
  const look = (inner) => {
    if (ts.isThrowStatement(inner)) found = true;
    if (!found && !ts.isFunctionLike(inner)) ts.forEachChild(inner, look);
  };
  ts.forEachChild(node, look);
  return found;
}

/** Exported functions, and methods of exported classes, that throw and have a comment that does not say so. */
function silentOf(file) {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ES2022, true);
  return source.statements
    .filter(isExported)
    .flatMap((statement) => [statement, ...(statement.members ?? [])])
    .filter(({ name }) => !(name && ts.isPrivateIdentifier(name)))
    .filter((node) => ts.isFunctionLike(node) && node.body && throws(node.body))
    .filter((node) => {
      const [comment] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
      return comment && !comment.getText().includes("@throws");
    })
    .map(({ name }) => name?.getText() ?? "the constructor");
}

const problems = readdirSync("packages")
  .flatMap((name) =>
    readdirSync(`packages/${name}/src`, { recursive: true }).map((file) => `packages/${name}/src/${file}`),
  )
  .filter((file) => file.endsWith(".ts") && !file.includes("/generated/"))
  .sort()
  .flatMap((file) => {
    const declarations = exportsOf(file);
    // Of a function with overloads, one has the comment.
    const documented = new Set(declarations.filter(({ comment }) => comment).map(({ name }) => name));
    const bare = declarations.filter(({ name }) => !documented.has(name)).map(({ name }) => name);
    const header = declarations.filter(({ comment }) => comment?.pos === 0).map(({ name }) => name);
    return [
      ...[...new Set(bare)].map((name) => `${file}: ${name} has no comment`),
      ...silentOf(file).map((name) => `${file}: ${name} throws, and its comment does not say what (@throws)`),
      ...header.map((name) => `${file}: ${name} has the file's comment; give it one of its own below`),
    ];
  });

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
