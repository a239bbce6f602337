import { sectionsOf } from '../llms.mjs';

/** All pages in one file, for programs that read. */
export async function GET({ site }) {
  const pages = (await sectionsOf(site)).flatMap((section) => section.pages);
  return new Response(`${pages.map(({ title, url, text }) => `# ${title}\n\nSource: ${url}\n\n${text}`).join('\n\n---\n\n')}\n`);
}
