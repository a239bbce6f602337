import { expect, test } from 'vitest';
import { runCommand } from './run-command.js';

/** What the help of a command must say, apart from its summary: arguments, options and exit codes of its own. */
const HELPS: Readonly<Record<string, readonly string[]>> = {
  doctor: ['--env-file FILE', '--preset NAME', '--json', '1 a check failed', 'GET requests'],
  explain: ['[options] < token', '--scope NAME ...', '--at TIME', '1 the token is refused', 'It never prints the token.'],
  init: ['--yes', '--issuer URL', '1 nothing was written', 'asks before it writes'],
  routes: ['<app>', '--export NAME', '--fail-on-open', '--except ROUTE', '--json', 'assertProtected'],
  issuer: ['--audience URI ...', '--keys FILE', '3 the issuer could not start', 'Never use it in production'],
  token: ['--scope SCOPE ...', '--lifetime SECONDS', '3 no local issuer runs'],
  attack: ['<url>', '--strict', '1 a hostile token was admitted', 'Only servers on this machine'],
};
const inOneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');

test('--help of each command says what it does, its options and exit codes', async () => {
  const general = (await runCommand(['--help'])).stdout;
  const listed = [.../^Commands:\n(.+?)\n\n/ms.exec(general)![1]!.matchAll(/^ {2}(\w+) +(.+)$/gm)];
  expect(listed.map(([, name]) => name)).toEqual(Object.keys(HELPS));
  for (const [, name, summary] of listed) {
    const { code, stdout, stderr } = await runCommand([name!, '--help']);
    expect([code, stderr], name).toEqual([0, '']);
    for (const words of [`tokenward ${name}: ${summary}`, `Usage: tokenward ${name} `, ...HELPS[name!]!, '0 ', 'Examples:']) {
      expect(inOneLine(stdout), name).toContain(words);
    }
  }
});
