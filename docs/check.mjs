// Builds the site, which checks its links, and looks at some pages in Chromium: on a phone and wide, light and dark. Nothing leaves this machine.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { keyboardProblems } from './check/keyboard.mjs';
import { problemsOf, skippedHeadings } from './check/page.mjs';
import { serve } from './check/serve.mjs';

/** The front page, and one page of each kind: steps, a drawing, tabs, wide tables, long lines, what is made from docstrings, and a checklist. */
const PAGES = [
  '',
  'start/express/',
  'concepts/request/',
  'guides/probes/',
  'reference/options/',
  'reasons/',
  'reasons/audience-mismatch/',
  'api/redis/',
  'operations/production-checklist/',
];
const PHONE = { width: 375, height: 812 };
const WIDE = { width: 1440, height: 900 };

const counts = { passed: 0, failed: 0, failures: [] };
await import('./build.mjs');
report('the site is built, and its links lead somewhere', []);

const site = await serve(fileURLToPath(new URL('dist', import.meta.url)));
const browser = await chromium.launch({ executablePath: execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim(), args: ['--no-sandbox'] });
try {
  const strangers = new Set();
  for (const viewport of [PHONE, WIDE]) {
    for (const colorScheme of ['light', 'dark']) {
      const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' });
      const page = await context.newPage();
      page.on('request', (request) => void (new URL(request.url()).host === new URL(site.url).host || strangers.add(request.url())));
      for (const path of PAGES) {
        await page.goto(site.url + path);
        const isFirst = viewport === WIDE && colorScheme === 'light';
        report(`/${path} at ${viewport.width} px, ${colorScheme}`, [...(await problemsOf(page)), ...(isFirst ? await skippedHeadings(page) : [])]);
      }
      if (colorScheme === 'light') {
        await page.goto(`${site.url}reasons/`);
        report(`the keyboard reaches search and menu at ${viewport.width} px`, await keyboardProblems(page, { isPhone: viewport === PHONE }));
      }
      await context.close();
    }
  }
  report('pages request nothing from other servers', [...strangers]);
  report('llms.txt lists the pages', (await (await fetch(`${site.url}llms.txt`)).text()).includes('/guides/policies/') ? [] : ['it does not']);
} finally {
  await browser.close();
  site.close();
}
console.log(`${counts.passed} checks of the documentation passed, ${counts.failed} failed`);
if (process.env.TOKENWARD_COUNTS) writeFileSync(process.env.TOKENWARD_COUNTS, JSON.stringify(counts));
process.exitCode = counts.failed > 0 ? 1 : 0;

function report(title, problems) {
  counts[problems.length > 0 ? 'failed' : 'passed']++;
  for (const problem of problems) {
    console.error(`${title}: ${problem}`);
    counts.failures.push(`${title}: ${problem}`);
  }
}
