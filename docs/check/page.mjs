import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const axe = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
const OPTIONS = {
  runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] },
  // an experiment of axe, which counts the shortcut beside "Search" as its name
  rules: { 'label-content-name-mismatch': { enabled: false } },
};

/** Looks at one page as it is shown. Returns what is wrong with it, in words. */
export async function problemsOf(page) {
  const { title, headings, overflow } = await page.evaluate(() => ({
    title: document.querySelectorAll('head > title').length === 1 ? document.title : '',
    headings: [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].filter((one) => one.checkVisibility()).map((one) => Number(one.tagName[1])),
    overflow: document.documentElement.scrollWidth - window.innerWidth,
  }));
  return [
    ...(title === '' ? ['it has no title, or several'] : []),
    ...(headings.filter((level) => level === 1).length === 1 ? [] : ['it has no h1, or several']),
    ...(overflow > 0 ? [`it is ${overflow} px wider than the window`] : []),
    ...(await axeProblems(page)),
  ];
}

async function axeProblems(page) {
  await page.waitForFunction(wideRegionsHaveFocus, undefined, { timeout: 5000 }).catch(() => {}); // axe says which have not
  await page.evaluate(axe);
  const { violations } = await page.evaluate((options) => globalThis.axe.run(document, options), OPTIONS);
  return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map(({ target }) => target.join(' ')).join(', ')}`); // prettier-ignore
}

/** Returns the levels of headings that skip one, in the text of the page: `h2 -> h4`. */
export function skippedHeadings(page) {
  return page.evaluate(() => {
    const levels = [...document.querySelectorAll('main h1, main h2, main h3, main h4, main h5, main h6')].map((one) => Number(one.tagName[1]));
    return levels.flatMap((level, at) => (at > 0 && level > levels[at - 1] + 1 ? [`it skips a heading: h${levels[at - 1]}, then h${level}`] : []));
  });
}

/** Runs in the page: scripts make what scrolls reachable by the keyboard, a moment after the page is loaded. */
function wideRegionsHaveFocus() {
  return [...document.querySelectorAll('main pre, main table')].every((one) => one.scrollWidth <= one.clientWidth || one.tabIndex === 0);
}
