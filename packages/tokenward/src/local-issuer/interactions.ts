import type { IncomingMessage, ServerResponse } from 'node:http';
import { collectBytes } from '@tokenward/core/adapter';
import { errors, type Provider } from 'oidc-provider';
import { loginPage, messagePage, pagePolicy } from './pages.js';
import { isAllowedIn, type LocalUser } from './users.js';

/** Answers the requests for the login page. It never rejects. */
export type Interactions = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const PATH = /^\/interaction\/[\w-]{1,64}$/;
const MAX_FORM_BYTES = 10_000;

export function isInteraction(url: string): boolean {
  return url.startsWith('/interaction/');
}

/** The login page, to which oidc-provider sends the browser, and its forms. */
export function createInteractions(provider: Provider, issuer: string, users: readonly LocalUser[]): Interactions {
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!PATH.test(request.url ?? '')) return sendPage(response, 404, messagePage('Not found', 'There is no such page.'));
    // oidc-provider finds the interaction by the browser's cookie
    const { prompt, params, uid } = await provider.interactionDetails(request, response);
    if (!request.url!.endsWith(uid)) throw new errors.SessionNotFound('another login');
    // a user grants everything, also if a client asks for a page to agree on
    if (prompt.name !== 'login') return provider.interactionFinished(request, response, { consent: {} }, { mergeWithLastSubmission: true });

    const client = await provider.Client.find(String(params['client_id']));
    const page = { action: request.url!, clientName: client?.clientName ?? 'your app', users };
    const formTargets = [URL.parse(String(params['redirect_uri']))?.origin].filter((origin) => origin !== undefined);
    if (request.method === 'GET') return sendPage(response, 200, loginPage(page), formTargets);
    if (request.method !== 'POST') return sendPage(response, 405, messagePage('Not possible', 'The page takes GET and POST.'));
    if (!isFromOwnPage(request, issuer)) return sendPage(response, 403, messagePage('Not possible', 'The form was sent by another site.'));

    const form = await formOf(request);
    if (form.has('refuse'))
      return provider.interactionFinished(request, response, { error: 'access_denied', error_description: 'the user cancelled the login' });
    const user = users.find(({ subject }) => subject === form.get('subject'));
    if (!user || !isAllowedIn(user, form.get('password') ?? ''))
      return sendPage(response, 422, loginPage({ ...page, failed: user?.subject ?? '' }), formTargets);
    await provider.interactionFinished(request, response, { login: { accountId: user.subject, amr: ['pwd'] } }, { mergeWithLastSubmission: false });
  }

  return async (request, response) => {
    try {
      await answer(request, response);
    } catch (error) {
      if (response.headersSent) response.destroy();
      else if (error instanceof errors.OIDCProviderError) {
        sendPage(response, 400, messagePage('That did not work', 'This login has ended, or was started in another browser. Start again from the app.'));
      } else sendPage(response, 500, messagePage('That did not work', 'The issuer failed.'));
    }
  };
}

/** Cookies with SameSite=Lax do not come with forms of other sites. All ports of loopback are one site, so the origin counts. */
function isFromOwnPage({ headers }: IncomingMessage, issuer: string): boolean {
  const site = headers['sec-fetch-site'];
  return headers.origin === issuer || (headers.origin === undefined && (site === undefined || site === 'same-origin'));
}

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  const bytes = collectBytes(MAX_FORM_BYTES);
  for await (const chunk of request) if (!bytes.add(chunk as Uint8Array)) throw new errors.InvalidRequest('the form is too large');
  return new URLSearchParams(bytes.buffer().toString('utf8'));
}

function sendPage(response: ServerResponse, status: number, html: string, formTargets: readonly string[] = []): void {
  response.setHeader('content-security-policy', pagePolicy(formTargets));
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end(html);
}
