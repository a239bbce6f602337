import { keepAttempt, openAttempts } from '../cookies/login-cookies.js';
import { isOfOtherSite, isPageVisit, isPrefetch } from '../csrf.js';
import { isFailure, type LoginParameters } from '../oidc/login-client.js';
import { failurePage } from './failure-page.js';
import { loginAddress, loginParametersOf } from './login-parameters.js';
import { landingPage, notAhead, OTHER_SITE_HEADERS, page, redirect } from './pages.js';
import type { SessionState } from '../session-state.js';
import type { RouteContext } from './route-context.js';
import type { SessionRouteContext } from './session-route.js';

/**
 * Starts a login: `GET <path>/login?returnTo=/path&acr_values=..&max_age=..&prompt=..`. It changes nothing but adds the cookie of one attempt. Another site
 * cannot start it: a link there leads to a page on which the user continues (rule 129).
 */
export async function loginRoute(request: Request, context: SessionRouteContext): Promise<Response> {
  if (request.method !== 'GET') return wrongMethod();
  if (isPrefetch(request.headers)) return notAhead('Log in');
  const parameters = loginParametersOf(new URL(request.url).searchParams, context.config);
  if (isOfOtherSite(request.headers)) return fromOtherSite(request, parameters ?? { returnTo: '/' }, context);
  if (!parameters) {
    const link = { href: loginAddress({ returnTo: '/' }, context.config), text: 'Log in' };
    return page({ status: 400, title: 'Log in', text: 'The address of this login is not complete, or has a part that makes no sense.', link });
  }
  // the user came here by a stale callback
  if (parameters.isRetry === true && (await liveSession(request, context)) !== undefined) return landingPage(parameters.returnTo, []);
  return startLogin(request, parameters, context);
}

/** Sends the browser to the issuer, with the cookie of a new attempt. */
export async function startLogin(
  request: Request,
  parameters: LoginParameters,
  context: SessionRouteContext,
  setCookies: readonly string[] = [],
): Promise<Response> {
  const { client, config, loginSealer } = context;
  const cookieHeader = request.headers.get('cookie') ?? undefined;
  const session = await sessionOf(cookieHeader, context);
  const begun = await client.begin(parameters, session.state, request);
  const all = [...setCookies, ...session.setCookies];
  if (isFailure(begun)) return failurePage(begun, loginAddress(parameters, config), context, all);
  const opened = await openAttempts(cookieHeader, loginSealer, config);
  const lines = await keepAttempt(begun.attempt, opened, loginSealer, config);
  // a stale callback has deleted its own cookie already: it is among the useless ones again
  return redirect(begun.url, [...all.filter((line) => !lines.includes(line)), ...lines]);
}

/** The answer to another method than GET: HEAD too would start an attempt. */
export function wrongMethod(): Response {
  return page({ status: 405, title: 'Log in', text: 'This address takes only GET requests.', headers: { allow: 'GET' } });
}

/** The answer to a request that another site caused. Only a click on our own page continues. It is the same whether or not somebody is logged in. */
export function fromOtherSite(request: Request, parameters: LoginParameters, { config }: RouteContext, setCookies: readonly string[] = []): Response {
  if (!isPageVisit(request.headers)) return page({ status: 403, title: 'Log in', text: 'Another site cannot start a login here.', setCookies });
  const link = { href: loginAddress(parameters, config), text: 'Continue to log in' };
  const text = 'You came here from another site. Continue if you want to log in.';
  return page({ status: 200, title: 'Log in', text, link, setCookies, headers: OTHER_SITE_HEADERS });
}

/** Returns the session of a request, if it has one. With `SameSite=Strict`, a request that the issuer caused has none. */
export async function liveSession(request: Request, context: SessionRouteContext): Promise<SessionState | undefined> {
  return (await sessionOf(request.headers.get('cookie') ?? undefined, context)).state;
}

/** The session that the new login replaces. If it cannot be read, the user must still be able to log in. */
async function sessionOf(
  cookieHeader: string | undefined,
  { sessions, refresher }: SessionRouteContext,
): Promise<{ readonly state: SessionState | undefined; readonly setCookies: readonly string[] }> {
  try {
    const found = await sessions.find(cookieHeader);
    if (found.kind === 'session') return { state: found.state, setCookies: found.setCookies };
    if (found.kind === 'ended' && found.left) refresher.keepLeft(found.left);
    if (found.kind === 'ended') return { state: undefined, setCookies: found.setCookies };
  } catch {
    // as without a session
  }
  return { state: undefined, setCookies: [] };
}
