import { getCollection } from 'astro:content';
import { GUIDES } from './guides.mjs';
import { BASE } from './links.mjs';

/** The sections, in the order of the sidebar, each with a folder or with its pages. Reasons come late: each is one symptom. */
const SECTIONS = [
  { title: 'Get started', folder: 'start' },
  { title: 'Concepts', folder: 'concepts' },
  ...GUIDES.map(({ label, slugs }) => ({ title: label, slugs })),
  { title: 'Providers', folder: 'providers' },
  { title: 'Migrate', folder: 'migrate' },
  { title: 'Security', folder: 'security' },
  { title: 'Reference', folder: 'reference' },
  { title: 'Reasons for refusals', folder: 'reasons' },
];

/** Returns the pages of each section, for programs that read. The API reference is not among them: types say the same in fewer words. */
export async function sectionsOf(site) {
  const pages = (await getCollection('docs')).toSorted((one, other) => (one.id < other.id ? -1 : 1));
  return SECTIONS.map(({ title, folder, slugs }) => ({
    title,
    pages: (slugs ? slugs.map((slug) => pages.find(({ id }) => id === slug)) : pages.filter(({ id }) => id === folder || id.startsWith(`${folder}/`))).map(
      ({ id, data, body }) => ({
        title: data.title,
        description: data.description,
        url: new URL(`${BASE}/${id}/`, site).href,
        text: readable(body ?? ''),
      }),
    ),
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
