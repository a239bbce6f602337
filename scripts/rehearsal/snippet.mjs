const IMPORT = /^import (?:(?<all>\w+)|\{ (?<named>[\w, ]+) \}) from (?<from>'[^']+');$/gm;
const LISTEN = /\bapp\.listen\([^;]*\);/;

/**
 * The README's own words, its first block of JavaScript: `text` as it stands, `importEquals` the other way in which TypeScript writes a
 * `require`, and as a server for a test, once a module and once with `require`.
 */
export function readSnippet(readme) {
  const [, text] = /^```js\n(.*?)^```$/ms.exec(readme) ?? [];
  if (!text) throw new Error('the README has no ```js block');
  const server = asServer(text);
  return { text, importEquals: asImportEquals(text), servers: { import: server, require: asCommonJs(server) } };
}

/** Another issuer and audience, and a free port that the parent process is told. The rest stays as it stands. */
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
  if (index === 0 || /^import [^=]*$/m.test(text)) throw new Error("an import of the README's snippet is of a form that this rehearsal does not know");
  return text;
}
