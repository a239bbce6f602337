import type { BrowserSession } from '../browser-session.js';
import { notFoundAnswer, problemAnswer } from './answers.js';
import { callbackRoute } from './callback.js';
import { loginRoute } from './login.js';
import { logoutContinueRoute } from './logout-continue.js';
import { logoutRoute } from './logout.js';
import { warnAboutOrigin } from './origin-warning.js';
import type { SessionRouteContext } from './session-route.js';
import { tokenRoute } from './token.js';
import { userRoute } from './user.js';

interface RouteEntry {
  /** `GET` never changes the state of a session. */
  readonly method: 'GET' | 'POST';
  readonly route: (request: Request, context: SessionRouteContext) => Promise<Response>;
}

/** Leads the requests under `config.path` to their routes. */
export function createRouter(
  context: SessionRouteContext,
  backchannelLogoutRoute: RouteEntry['route'],
): { readonly handle: BrowserSession['handle']; readonly isRoute: BrowserSession['isSessionRoute'] } {
  const { config, warn } = context;
  const { path } = config;
  const routes = new Map<string, RouteEntry>([
    ['login', { method: 'GET', route: loginRoute }],
    ['callback', { method: 'GET', route: callbackRoute }],
    ['user', { method: 'GET', route: userRoute }],
    // in mode bff it is not there, whatever the method
    ...(config.mode === 'token-mediating' ? ([['token', { method: 'POST', route: tokenRoute }]] as const) : []),
    ['logout', { method: 'POST', route: logoutRoute }],
    ['logout/continue', { method: 'GET', route: logoutContinueRoute }],
    ['backchannel-logout', { method: 'POST', route: backchannelLogoutRoute }],
  ]);

  return {
    async handle(request) {
      const { pathname } = new URL(request.url);
      const entry = pathname.startsWith(`${path}/`) ? routes.get(pathname.slice(path.length + 1)) : undefined;
      if (!entry) return notFoundAnswer();
      warnAboutOrigin(request.headers, config, warn);
      if (request.method === entry.method) return entry.route(request, context);
      return problemAnswer({ status: 405, detail: `This address takes only ${entry.method} requests`, headers: { allow: entry.method } });
    },
    isRoute(url) {
      return pathOf(url).startsWith(`${path}/`);
    },
  };
}

/** Returns the path of a URL, or of the target of a request as it was sent. */
function pathOf(url: string | URL): string {
  if (typeof url !== 'string') return url.pathname;
  return url.startsWith('/') ? url.split(/[?#]/, 1)[0]! : (URL.parse(url)?.pathname ?? '');
}
