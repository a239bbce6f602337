import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const pages = join(root, 'docs/src/content/docs');
const FILES = [
  '*.md',
  '.changeset/*.md',
  'docs/*.md',
  'docs/src/content/docs/**/*.{md,mdx}',
  'docs/public/**/*.{yaml,json}',
  '{packages,examples,bench}/**/*.{md,ts,js,json}',
];
const LINK = /https:\/\/tokenward\.github\.io\/tokenward\/([\w./-]*)(?:#([\w-]+))?/g;
/** Pages that the build generates. */
const BUILT = /^(?:$|api\/|llms(?:-full)?\.txt$)/;

const links = globSync(FILES, { cwd: root, exclude: (path) => /(?:^|\/)(?:node_modules|dist|docs\/api)$/.test(path) }).flatMap((file) =>
  // the build of the site checks relative links in its pages; links with the address of the site may be in any file
  [...readFileSync(join(root, file), 'utf8').matchAll(LINK)].map(([, path, hash]) => ({ file, path, hash })),
);

test('every link to the documentation leads to a page, and to a heading in it', () => {
  expect(links.length).toBeGreaterThan(100);
  const broken = links.filter(({ path, hash }) => !BUILT.test(path) && !leadsSomewhere(path, hash));
  expect(broken.map(({ file, path, hash }) => `${file}: ${path}${hash ? `#${hash}` : ''}`)).toEqual([]);
});

test('every relative link of a text outside the site leads to a file, and to a heading in it', () => {
  const texts = globSync(['*.md', 'docs/*.md', '{packages,examples}/*/README.md', 'bench/*.md'], { cwd: root });
  const relative = texts.flatMap((file) =>
    [...withoutCode(readFileSync(join(root, file), 'utf8')).matchAll(/\]\((?!https:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].map(([, path, hash]) => ({
      file,
      path,
      hash,
    })),
  );
  expect(relative.length).toBeGreaterThan(30);
  const broken = relative.filter(({ file, path, hash }) => {
    const target = path === '' ? join(root, file) : join(root, dirname(file), path);
    // GitHub shows the README of a folder
    const page = existsSync(join(target, 'README.md')) ? join(target, 'README.md') : target;
    return !existsSync(page) || (hash !== undefined && !headingsOf(page).includes(hash));
  });
  expect(broken).toEqual([]);
});

function withoutCode(text) {
  return text.replaceAll(/^ *```.*?^ *```$/gms, '');
}

function leadsSomewhere(path, hash) {
  if (/\.\w+$/.test(path)) return existsSync(join(root, 'docs/public', path));
  const slug = path.replace(/\/$/, '');
  const file = ['.md', '.mdx', '/index.md', '/index.mdx'].map((ending) => join(pages, `${slug}${ending}`)).find((one) => existsSync(one));
  // without the slash, the server would redirect
  return file !== undefined && path.endsWith('/') && (hash === undefined || headingsOf(file).includes(hash));
}

function headingsOf(file) {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => /^#{2,} /.test(line))
    .map((line) =>
      line
        .replace(/^#+ /, '')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    );
}
