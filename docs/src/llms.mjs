import { getCollection } from 'astro:content';
import { BASE } from './links.mjs';

/** The sections, in the order of the sidebar. Reasons come late: each is one symptom. */
const SECTIONS = [
  ['Get started', 'start'],
  ['Concepts', 'concepts'],
  ['Guides', 'guides'],
  ['Providers', 'providers'],
  ['Migrate', 'migrate'],
  ['Operations', 'operations'],
  ['Security', 'security'],
  ['Reference', 'reference'],
  ['Reasons for refusals', 'reasons'],
];

/** Returns the pages of each section, for programs that read. The API reference is not among them: types say the same in fewer words. */
export async function sectionsOf(site) {
  const pages = (await getCollection('docs')).toSorted((one, other) => (one.id < other.id ? -1 : 1));
  return SECTIONS.map(([title, folder]) => ({
    title,
    pages: pages
      .filter(({ id }) => id === folder || id.startsWith(`${folder}/`))
      .map(({ id, data, body }) => ({
        title: data.title,
        description: data.description,
        url: new URL(`${BASE}/${id}/`, site).href,
        text: readable(body ?? ''),
      })),
  })).filter(({ pages: { length } }) => length > 0);
}

/** Returns the Markdown of a page without what only the site understands. */
function readable(body) {
  return body
    .replaceAll(/^import .* from '@astrojs\/.*$\n/gm, '')
    .replaceAll(/^<TabItem label="(.*)">$/gm, '**$1:**')
    .replaceAll(/^<\/?(?:Tabs|TabItem).*>$\n/gm, '')
    .replaceAll(/^(?:<!--|\{\/\*) (?:sample|no program): .*$\n\n?/gm, '')
    .trim();
}
