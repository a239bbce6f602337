import { match, strictEqual } from 'node:assert/strict';
import { createScreen } from '../../full-flow/screen.ts';
import { startWorld } from '../../full-flow/world.ts';
import { logInByKeyboard, pressOn, startChromium } from './pages.ts';
import type { Tally } from './tally.ts';

const TIMEOUT_MS = 20_000;

/** What `npm run demo -- --serve` adds to the page: the operator's panel, and lines in the terminal. */
export async function checkOperatorPanel({ check }: Tally): Promise<void> {
  const printed: string[] = [];
  const screen = { ...createScreen(), note: print, request: print, response: (_status: number, ...lines: unknown[]) => print(...lines) };
  const world = await startWorld({ portBase: undefined, webAppTokenSeconds: 120, operatorScreen: screen });
  const browser = await startChromium();
  const { url } = world.webApp;

  function print(...lines: unknown[]): void {
    printed.push(...lines.flat().map(String));
  }

  try {
    await check('the panel of the demo: the operator reads the reason beside the answer, and the buttons act', async () => {
      const page = await browser.newPage();
      page.setDefaultTimeout(TIMEOUT_MS);
      await page.goto(url);
      await logInByKeyboard(page);
      await page.getByRole('button', { name: 'Remove Sencha' }).first().click();
      await page.locator('.operator-note', { hasText: 'insufficient_role' }).waitFor();
      match((await page.locator('.operator-note.plain').textContent())!, /insufficient_scope/);
      match(printed.join('\n'), /DELETE \/api\/orders\/2\n403\nthe client reads: .*\nthe operator reads: insufficient_role/);

      const key = world.authorizationServer.signingKeyId;
      await pressOn(page, 'Rotate the keys');
      await page.getByText('signs with a new key').waitFor();
      strictEqual(world.authorizationServer.signingKeyId === key, false, 'the key is the old one');
      await pressOn(page, 'Stop the authorization server');
      await page.locator('.operator-facts', { hasText: 'stopped' }).waitFor();
      strictEqual(world.authorizationServer.isRunning, false);
      // the focus is on the button that took its place
      await page.locator('button:focus', { hasText: 'Start the authorization server' }).waitFor();
      await page.keyboard.press('Enter');
      await page.locator('.operator-facts', { hasText: 'running' }).waitFor();
      await pressOn(page, 'End my session by a logout token');
      await page.getByText('The app took a logout token for alice.').waitFor();
      await page.getByRole('button', { name: 'Place the order' }).click();
      await page.locator('.operator-note', { hasText: 'session_ended' }).waitFor();
      await page.getByText('Your session has ended.').waitFor();
    });

    await check('the panel of the demo takes no command of another site', async () => {
      const response = await fetch(`${url}/operator/stop`, { method: 'POST' });
      strictEqual(response.status, 403);
      strictEqual(world.authorizationServer.isRunning, true);
    });
  } finally {
    await browser.close();
    await world.close();
  }
}
