const IMPORT = /^import (?:(?<all>\w+)|\{ (?<named>[\w, ]+) \}) from (?<from>'[^']+');$/gm;
const LISTEN = /\bapp\.listen\([^;]*\);/;

/**
 * Returns the README's first block of JavaScript: as `text`, with TypeScript's `import = require()` as `importEquals`, and as a server for a test, once
 * with `import` and once with `require`.
 */
export function readSnippet(readme) {
  const [, text] = /^```js\n(.*?)^```$/ms.exec(readme) ?? [];
  if (!text) throw new Error('the README has no ```js block');
  const server = asServer(text);
  return { text, importEquals: asImportEquals(text), servers: { import: server, require: asCommonJs(server) } };
}

/** Replaces the issuer and the audience, and listens on a free port, which it sends to the parent process. Nothing else changes. */
function asServer(snippet) {
  if (!LISTEN.test(snippet)) throw new Error("the README's snippet does not end with app.listen(...);");
  return snippet
    .replace(/\bissuer: '[^']*'/, 'issuer: process.env.ISSUER_BASE_URL')
    .replace(/\baudience: '[^']*'/, 'audience: process.env.AUDIENCE')
    .replace(LISTEN, "app.listen(0, '127.0.0.1', function () { process.send(this.address().port); });");
}

function asCommonJs(module) {
  return withImports(module, (from, { all, named }) => `const ${all ?? `{ ${named} }`} = require(${from});`);
}

function asImportEquals(module) {
  return withImports(module, (from, { all, named }, index) =>
    all ? `import ${all} = require(${from});` : `import module${index} = require(${from});\nconst { ${named} } = module${index};`,
  );
}

function withImports(module, rewrite) {
  let index = 0;
  const text = module.replace(IMPORT, (...match) => rewrite(match.at(-1).from, match.at(-1), index++));
  if (index === 0 || /^import [^=]*$/m.test(text)) throw new Error("the README's snippet has an import of a form that snippet.mjs does not support");
  return text;
}
