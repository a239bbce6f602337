import { execFileSync } from 'node:child_process';
import { chromium, type Browser, type Page } from 'playwright-core';
import { ALICE, type Person } from '../../full-flow/cast.ts';

/** Starts the Chromium that is on the PATH. Its own sandbox needs rights that containers lack; the pages are our own. */
export function startChromium(): Promise<Browser> {
  const executablePath = execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim();
  return chromium.launch({ executablePath, args: ['--no-sandbox'] });
}

/** Logs in on the app's page, with the keyboard alone. */
export async function logInByKeyboard(page: Page, person: Person = ALICE): Promise<void> {
  await toConsent(page, person);
  await pressOn(page, 'Allow what is ticked');
  await page.getByText(`Logged in as ${person.username}`).waitFor();
}

/** Goes to the consent page, with the keyboard alone. */
export async function toConsent(page: Page, { username, password }: Person = ALICE): Promise<void> {
  await page.locator('#login').waitFor();
  await pressOn(page, 'Log in');
  // the page gives the focus to the field
  await page.locator('input[name=username]:focus').waitFor();
  await page.keyboard.type(username);
  await page.keyboard.press('Tab');
  await page.keyboard.type(password);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Allow access?' }).waitFor();
}

/** Moves the focus with the tabulator to a button or link of this name, and presses it. */
export async function pressOn(page: Page, name: string): Promise<void> {
  for (let count = 0; count < 50; count++) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => (document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '').trim());
    if (focused === name) return page.keyboard.press('Enter');
  }
  throw new Error(`the keyboard reaches nothing of the name “${name}”`);
}

/** Enters the code that the page of the second factor shows. */
export async function enterCode(page: Page): Promise<void> {
  const code = await page.locator('.code').textContent();
  await page.locator('input[name=code]:focus').waitFor();
  await page.keyboard.type(code!);
  await page.keyboard.press('Enter');
}

/** Returns by how many pixels the page is wider than the window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
