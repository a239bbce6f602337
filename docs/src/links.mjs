import { existsSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The path of the site: GitHub Pages serves it under the name of the repository. */
export const BASE = '/tokenward';

const PAGES = new URL('content/docs/', import.meta.url).href;
const SERVED = new URL('../public/', import.meta.url).href;
const REPOSITORY = new URL('../../', import.meta.url).href;
const SOURCE = 'https://github.com/tokenward/tokenward';

/**
 * Rewrites relative links, which work on GitHub: a link to a page becomes its address on the site, and one to another file of the repository its address on
 * GitHub. A link to a file that does not exist fails the build.
 */
export const linkToPages = {
  name: 'link-to-pages',
  link: rewrite,
  definition: rewrite,
};

function rewrite(node, context) {
  if (!context.fileURL || /^(?:[a-z][a-z+.-]*:|#|\/)/i.test(node.url)) return;
  const target = new URL(node.url, context.fileURL);
  context.setProperty(node, 'url', addressOf(target, fileURLToPath(context.fileURL)));
}

/** Returns where readers of the site find a file of the repository. */
function addressOf(target, from) {
  const { hash } = target;
  const file = new URL(target.pathname, target);
  const path = fileURLToPath(file);
  if (!existsSync(path)) throw new Error(`${from}: links to ${path}, which does not exist`);
  if (file.href.startsWith(PAGES)) {
    const slug = file.href
      .slice(PAGES.length)
      .replace(/\.mdx?$/, '')
      .replace(/(?:^|\/)index$/, '');
    return `${BASE}/${slug && `${slug}/`}${hash}`;
  }
  if (file.href.startsWith(SERVED)) return `${BASE}/${file.href.slice(SERVED.length)}${hash}`;
  if (!file.href.startsWith(REPOSITORY)) throw new Error(`${from}: links to ${path}, which is outside of the repository`);
  const kind = statSync(path).isDirectory() ? 'tree' : 'blob';
  return `${SOURCE}/${kind}/main/${file.href.slice(REPOSITORY.length)}${hash}`;
}
