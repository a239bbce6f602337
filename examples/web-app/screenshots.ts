import { mkdir, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { enterCode, pressOn, startChromium, toConsent } from './check/pages.ts';
import { startSystem } from './check/system.ts';

// Takes the pictures in docs/images.
const folder = fileURLToPath(new URL('../../docs/images/', import.meta.url));
const MAX_BYTES = 150_000;

const DESKTOP = { width: 1200, height: 900 };
const PHONE = { width: 375, height: 812 };
const VIEWS = [
  { name: 'light', viewport: DESKTOP, colorScheme: 'light' },
  { name: 'dark', viewport: DESKTOP, colorScheme: 'dark' },
  { name: 'phone', viewport: PHONE, colorScheme: 'light' },
] as const;

await mkdir(folder, { recursive: true });
const system = await startSystem({ mode: 'bff', redisUrl: undefined });
const browser = await startChromium();
try {
  for (const { name, ...options } of VIEWS) {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const take = async (subject: string, fullPage = false) => {
      const path = `${folder}${subject}-${name}.png`;
      await page.screenshot({ path, fullPage, animations: 'disabled', caret: 'hide' });
      const { size } = await stat(path);
      if (size > MAX_BYTES) throw new Error(`${path} has ${size} bytes, more than ${MAX_BYTES}`);
      console.log(path);
    };
    await page.goto(system.settings.origin);
    await toConsent(page);
    await take('consent');
    await pressOn(page, 'Allow what is ticked');
    await page.getByText('Logged in as').waitFor();
    await page.getByRole('button', { name: 'Pay out' }).click();
    await page.getByRole('button', { name: 'Confirm and come back' }).waitFor();
    await page.evaluate(() => scrollTo(0, 0));
    await take('web-app', name === 'phone');
    await page.getByRole('button', { name: 'Confirm and come back' }).click();
    await page.locator('.code').waitFor();
    await take('second-factor');
    await enterCode(page);
    await page.getByText('Logged in as').waitFor();
    await context.close();
  }
} finally {
  await browser.close();
  await system.close();
}
