import { execFileSync } from 'node:child_process';
import { chromium, type Browser } from 'playwright-core';

/**
 * Starts the Chromium that is on the PATH. Its own sandbox needs rights that containers lack; the pages are our own.
 *
 * @param args more arguments of Chromium
 */
export function startChromium(args: readonly string[] = []): Promise<Browser> {
  const executablePath = execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim();
  return chromium.launch({ executablePath, args: ['--no-sandbox', ...args] });
}
