import { sectionsOf } from '../llms.mjs';

/** An overview for programs that read: https://llmstxt.org. */
export async function GET({ site }) {
  const list = (await sectionsOf(site)).map(({ title, pages }) =>
    [`## ${title}`, '', ...pages.map((page) => `- [${page.title}](${page.url})${page.description ? `: ${page.description}` : ''}`)].join('\n'),
  );
  const head = [
    '# tokenward',
    '',
    '> Protects Node APIs with OAuth 2.0 access tokens: Express, Fastify, Koa, NestJS, Hono and handlers that take a Request.',
    '',
    `All pages in one file: ${new URL('/tokenward/llms-full.txt', site).href}`,
  ].join('\n');
  return new Response(`${[head, ...list].join('\n\n')}\n`);
}
