import { cookiesOf } from '../src/cookies/cookie-header.js';

/** Returns the `Cookie` header that a browser sends after it got these `Set-Cookie` lines. It obeys the last line for a name, as browsers do. */
export function headerAfter(lines: readonly string[], before = ''): string {
  const cookies = new Map(cookiesOf(before));
  for (const line of lines) {
    const [, name, value, age] = /^([^=]+)=([^;]*); Path=\/; Max-Age=(\d+); Secure; HttpOnly; SameSite=\w+$/.exec(line)!;
    if (age === '0') cookies.delete(name!);
    else cookies.set(name!, value!);
  }
  return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
}
