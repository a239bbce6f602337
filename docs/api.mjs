// Writes the API reference into src/content/docs/api: a page for each entry of each package, from the docstrings in its built types.
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application } from 'typedoc';
import { publicPackages } from '../scripts/public-packages.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = fileURLToPath(new URL('src/content/docs/api', import.meta.url));
/** The command line is no library. */
const WITHOUT_API = new Set(['tokenward']);

const entries = publicPackages(root)
  .filter(({ name }) => !WITHOUT_API.has(name))
  .flatMap(({ name, folder, manifest }) =>
    Object.entries(manifest.exports)
      .filter(([, conditions]) => conditions.import?.types)
      .map(([path, conditions]) => ({ name: join(name, path), file: join(folder, conditions.import.types), description: manifest.description })),
  );

const app = await Application.bootstrapWithPlugins({
  name: 'API reference',
  plugin: ['typedoc-plugin-markdown'],
  entryPoints: entries.map(({ file }) => file),
  tsconfig: fileURLToPath(new URL('tsconfig.api.json', import.meta.url)),
  outputs: [{ name: 'markdown', path: out }],
  router: 'module',
  entryFileName: 'index',
  readme: 'none',
  disableSources: true,
  excludePrivate: true,
  excludeInternal: true,
  excludeExternals: true,
  hideBreadcrumbs: true,
  hidePageHeader: true,
  useCodeBlocks: true,
  ...Object.fromEntries(
    ['interfaceProperties', 'classProperties', 'typeAliasProperties', 'parameters', 'typeDeclaration'].map((one) => [`${one}Format`, 'table']),
  ),
  // tsc has checked them
  skipErrorChecking: true,
  validation: false,
  logLevel: 'Error',
});
const project = await app.convert();
if (!project?.children) throw new Error('typedoc could not read the types');
const entryOf = new Map(entries.map((entry) => [entry.file, entry]));
const pages = new Map();
for (const module of project.children) {
  const entry = entryOf.get(project.getSymbolIdFromReflection(module)?.fileName);
  if (!entry) throw new Error(`typedoc made a page of "${module.name}", which is no entry of a package`);
  module.name = entry.name.replace('@tokenward/', '').replaceAll('/', '-');
  pages.set(`${module.name}.md`, { title: entry.name, description: entry.description });
}
rmSync(out, { recursive: true, force: true });
await app.generateOutputs(project);
if (app.logger.hasErrors()) process.exit(1);
pages.set('index.md', { title: 'API reference', description: 'Every export of every package, from the docstrings in the source.', order: 0 });
const texts = new Map(globSync('*.md', { cwd: out }).map((page) => [page, readFileSync(join(out, page), 'utf8').replace(/^# .*\n+/, '')]));
const anchors = new Map([...texts].map(([page, text]) => [page, anchorsOf(text)]));
for (const [page, text] of texts) {
  const { title, description, order = 1 } = pages.get(page);
  const front = ['---', `title: '${title}'`, `description: '${description}'`, 'editUrl: false', 'sidebar:', `  order: ${order}`, '---', '', ''];
  writeFileSync(join(out, page), `${front.join('\n')}${withLinks(page, text)}`);
}

/** Links lead to headings as the site names them: typedoc numbers equal names in another way. In the index, they have the names of entries. */
function withLinks(page, text) {
  return text.replaceAll(/\[([^\]\n]*)\]\(([\w-]+\.md)?(?:#([\w-]+))?\)/g, (_match, label, target, hash) => {
    const known = anchors.get(target ?? page);
    const anchor = [hash, hash?.replace(/-\d+$/, '')].find((one) => known.has(one));
    const shown = page === 'index.md' ? pages.get(target).title : label;
    return `[${shown}](${target ?? ''}${anchor || !target ? `#${anchor ?? ''}` : ''})`;
  });
}

function anchorsOf(text) {
  const counts = new Map();
  const found = new Set([...text.matchAll(/<a id="([\w-]+)">/g)].map(([, id]) => id));
  for (const [, heading] of text.replaceAll(/^```.*?^```/gms, '').matchAll(/^#{2,6} (.*)$/gm)) {
    const slug = heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-'); // prettier-ignore
    const count = counts.get(slug) ?? 0;
    counts.set(slug, count + 1);
    found.add(count === 0 ? slug : `${slug}-${count}`);
  }
  return found;
}
