const MAX_TABS = 12;

/** Goes through a page with the keyboard alone: skip link, search, and on a phone the menu. Returns what cannot be done. */
export async function keyboardProblems(page, { isPhone }) {
  const problems = [];
  // the page adds the input of the search when the browser is idle, some time after it is loaded. A search that opens before cannot focus it
  const isReady = await page.locator('site-search input').waitFor({ state: 'attached' }).then(() => true, () => false); // prettier-ignore
  if (!isReady) return ['the search has no input'];
  await page.keyboard.press('Tab');
  const first = await focused(page);
  if (first.href !== '#_top') problems.push(`the first Tab reaches "${first.name}", not the link that skips to the content`);

  if (!(await tabTo(page, ({ inSearch }) => inSearch))) problems.push('Tab does not reach the search');
  await page.keyboard.press('Enter');
  const dialog = page.locator('site-search dialog[open]');
  await dialog.locator('input:focus').waitFor().catch(() => problems.push('Enter does not open the search')); // prettier-ignore
  if (problems.length > 0) return problems;
  await page.keyboard.type('audience_mismatch');
  const result = dialog.locator('a[href*="/reasons/audience-mismatch/"]').first();
  await result.waitFor().catch(() => problems.push('the search does not find the page about audience_mismatch'));
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' }).catch(() => problems.push('Escape does not close the search'));

  if (isPhone) {
    if (!(await tabTo(page, ({ inMenuButton }) => inMenuButton))) problems.push('Tab does not reach the menu');
    await page.keyboard.press('Enter');
    const link = page.locator('#starlight__sidebar a').first();
    await link.waitFor().catch(() => problems.push('Enter does not open the menu'));
  } else if (!(await tabTo(page, ({ inSidebar }) => inSidebar))) problems.push('Tab does not reach the list of pages');
  return problems;
}

async function tabTo(page, isThere) {
  for (let count = 0; count < MAX_TABS; count++) {
    const at = await focused(page);
    if (isThere(at)) return at.isVisible;
    await page.keyboard.press('Tab');
  }
  return false;
}

function focused(page) {
  return page.evaluate(() => {
    const at = document.activeElement;
    return {
      name: at.textContent.trim().slice(0, 40),
      href: at.getAttribute('href'),
      inSearch: at.closest('site-search') !== null,
      inMenuButton: at.closest('button[popovertarget="starlight__sidebar"]') !== null,
      inSidebar: at.closest('#starlight__sidebar') !== null,
      isVisible: at.checkVisibility(),
    };
  });
}
