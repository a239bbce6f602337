import { createHash } from 'node:crypto';
import { isOfOtherSite, isPrefetch } from '../csrf.js';
import { unavailableAnswer } from './answers.js';
import { escaped, headersWith, notAhead } from './pages.js';
import type { LogoutForm } from './pending-logouts.js';
import type { SessionRouteContext } from './session-route.js';

/** The only script of this package's pages. Its hash is in the page's policy, so nothing else can run. */
const SUBMIT = 'document.forms[0].submit()';
const SCRIPT_HASH = createHash('sha256').update(SUBMIT).digest('base64');
/** No `form-action`: it would also forbid the addresses to which the issuer redirects after the form, and nobody knows all of them. */
const POLICY = `default-src 'none'; script-src 'sha256-${SCRIPT_HASH}'; base-uri 'none'; frame-ancestors 'none'`;

/**
 * Logs out at the issuer by a form that submits itself: `GET <path>/logout/continue`. It works once, for the browser whose logout was answered a moment ago. It
 * ends nothing here: that is done already. Another site can neither use the form up nor learn whether there is one.
 */
export async function logoutContinueRoute(request: Request, { config, pendingLogouts, publish }: SessionRouteContext): Promise<Response> {
  if (isPrefetch(request.headers)) return notAhead('Log out');
  if (isOfOtherSite(request.headers)) return toApp(config.afterLogout, []);
  try {
    const { form, setCookies } = await pendingLogouts.take(request.headers.get('cookie') ?? undefined);
    return form ? formPage(form, setCookies) : toApp(config.afterLogout, setCookies);
  } catch {
    publish('logout', 'failed', 'store_unavailable');
    return unavailableAnswer();
  }
}

/** By the back button, or a minute later: the logout here is done, and the one at the issuer probably, too. */
function toApp(path: string, setCookies: readonly string[]): Response {
  return new Response(null, { status: 303, headers: headersWith({ location: path, 'cache-control': 'no-store' }, setCookies) });
}

function formPage({ url, parameters }: LogoutForm, setCookies: readonly string[]): Response {
  const inputs = Object.entries(parameters).map(([name, value]) => `<input type="hidden" name="${escaped(name)}" value="${escaped(value)}">`);
  const headers = headersWith(
    {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': POLICY,
      // with `no-referrer` the browser sends `Origin: null`, which some issuers refuse
      'referrer-policy': 'strict-origin',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    },
    setCookies,
  );
  const form = `<form method="post" action="${escaped(url)}">${inputs.join('')}<noscript><button>Continue to log out</button></noscript></form>`;
  const page = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Log out</title></head><body>${form}<script>${SUBMIT}</script></body></html>`;
  return new Response(page, { status: 200, headers });
}
