import starlight from '@astrojs/starlight';
import { satteri } from '@astrojs/markdown-satteri';
import { defineConfig } from 'astro/config';
import { readdirSync } from 'node:fs';
import starlightLinksValidator from 'starlight-links-validator';
import { inlineDrawings } from './src/drawings.mjs';
import { GUIDES } from './src/guides.mjs';
import { BASE, linkToPages } from './src/links.mjs';

/** A section of the sidebar lists the pages of one folder, in the order of their `sidebar.order` and then of their titles. */
const section = (label, directory, collapsed = false) => ({ label, collapsed, items: [{ autogenerate: { directory } }] });

function guides() {
  const listed = GUIDES.flatMap(({ slugs }) => slugs).toSorted();
  const existing = ['guides', 'operations']
    .flatMap((folder) => readdirSync(new URL(`src/content/docs/${folder}/`, import.meta.url)).map((file) => `${folder}/${file.replace(/\.mdx?$/, '')}`))
    .toSorted();
  const differing = [...listed, ...existing].filter((slug, _at, all) => all.indexOf(slug) === all.lastIndexOf(slug));
  if (listed.join() !== existing.join()) throw new Error(`docs/src/guides.mjs must list each guide once: ${differing.join(', ')}`);
  return { label: 'Guides', items: GUIDES.map(({ label, slugs }) => ({ label, items: slugs })) };
}

/** A table that scrolls must be reachable by the keyboard. */
const SCROLLING_TABLES = `for (const event of ['load', 'resize']) addEventListener(event, () => {
  for (const table of document.querySelectorAll('main table')) {
    if (table.scrollWidth > table.clientWidth) table.tabIndex = 0;
    else table.removeAttribute('tabindex');
  }
});`;

export default defineConfig({
  site: 'https://tokenward.github.io',
  base: BASE,
  trailingSlash: 'always',
  devToolbar: { enabled: false },
  // it loads a native module from beside its own files
  vite: { ssr: { external: ['satteri'] } },
  markdown: { processor: satteri({ features: { smartPunctuation: false }, mdastPlugins: [linkToPages, inlineDrawings] }) },
  integrations: [
    starlight({
      title: 'tokenward',
      description: 'OAuth 2.0 protection for Node APIs: Express, Fastify, Koa, NestJS, Hono and Fetch handlers',
      social: [{ icon: 'github', label: 'GitHub', href: 'https://github.com/tokenward/tokenward' }],
      lastUpdated: false,
      credits: false,
      customCss: ['./src/styles/site.css'],
      // lines that a terminal prints are long
      expressiveCode: { defaultProps: { overridesByLang: { 'text,http,sh,json': { wrap: true } } } },
      head: [{ tag: 'script', content: SCROLLING_TABLES }],
      plugins: [starlightLinksValidator()],
      sidebar: [
        section('Get started', 'start'),
        section('Concepts', 'concepts'),
        guides(),
        section('Providers', 'providers'),
        section('Why was it refused?', 'reasons', true),
        section('Migrate', 'migrate'),
        section('Security', 'security'),
        section('Reference', 'reference'),
        section('API', 'api', true),
        { slug: 'compare' },
      ],
    }),
  ],
});
