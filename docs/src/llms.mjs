import { getCollection } from 'astro:content';
import { GUIDES } from './guides.mjs';
import { BASE } from './links.mjs';

/** The sections, in the order of the sidebar, each with a folder or with its pages. Reasons come late: each is one symptom. */
const SECTIONS = [
  ['Get started', 'start'],
  ['Concepts', 'concepts'],
  ...GUIDES.map(({ label, slugs }) => [label, slugs]),
  ['Providers', 'providers'],
  ['Migrate', 'migrate'],
  ['Security', 'security'],
  ['Reference', 'reference'],
  ['Reasons for refusals', 'reasons'],
];

/** Returns the pages of each section, for programs that read. The API reference is not among them: types say the same in fewer words. */
export async function sectionsOf(site) {
  const pages = (await getCollection('docs')).toSorted((one, other) => (one.id < other.id ? -1 : 1));
  return SECTIONS.map(([title, which]) => ({
    title,
    pages: (typeof which === 'string'
      ? pages.filter(({ id }) => id === which || id.startsWith(`${which}/`))
      : which.map((slug) => pages.find(({ id }) => id === slug))
    ).map(({ id, data, body }) => ({
      title: data.title,
      description: data.description,
      url: new URL(`${BASE}/${id}/`, site).href,
      text: readable(body ?? ''),
    })),
  }));
}

/** Returns the Markdown of a page without what only the site understands. */
function readable(body) {
  return body
    .replaceAll(/^import .* from '@astrojs\/.*$\n/gm, '')
    .replaceAll(/^<TabItem label="(.*)">$/gm, '**$1:**')
    .replaceAll(/^<\/?(?:Tabs|TabItem).*>$\n/gm, '')
    .replaceAll(/^(?:<!--|\{\/\*) (?:(?:sample|no program): .*|\/?release-status -->)$\n\n?/gm, '')
    .trim();
}
