/* eslint-disable oxc/no-async-endpoint-handlers -- Express 5 passes a rejection to its error handler */
import express, { type NextFunction, type Request, type Response, type Router } from 'express';
import { errors, type Provider } from 'oidc-provider';
import { SCOPES_OF_APIS } from '../cast.ts';
import { authenticate } from './accounts.ts';
import { consentPage, errorPage, loginPage, type ConsentScope } from './pages.ts';

/** Login and consent. oidc-provider sends the browser here, and continues when the user has answered. */
export function createInteractions(provider: () => Provider): Router {
  const router = express.Router();
  const form = express.urlencoded({ extended: false, limit: '10kb' });

  router.use((_request, response, next) => {
    response.set('cache-control', 'no-store');
    next();
  });

  router.get('/:uid', async (request, response) => {
    const details = await detailsOf(request, response);
    if (details.prompt === 'login') response.send(loginPage({ action: `${request.originalUrl}/login`, clientName: details.clientName, failed: false }));
    else response.send(consentPage({ ...details, action: `${request.originalUrl}/consent` }));
  });

  router.post('/:uid/login', form, async (request, response) => {
    const { clientName } = await detailsOf(request, response, 'login');
    const [username = ''] = valuesOf(request, 'username');
    const [password = ''] = valuesOf(request, 'password');
    const accountId = authenticate(username, password);
    if (accountId === undefined) response.status(422).send(loginPage({ action: request.originalUrl, clientName, failed: true, username }));
    else await provider().interactionFinished(request, response, { login: { accountId } });
  });

  router.post('/:uid/consent', form, async (request, response) => {
    const { username: accountId, clientId, scopes, resources } = await detailsOf(request, response, 'consent');
    if (valuesOf(request, 'decision')[0] !== 'allow') {
      const refused = { error: 'access_denied', error_description: 'the user refused' };
      await provider().interactionFinished(request, response, refused, { mergeWithLastSubmission: false });
      return;
    }
    const ticked = new Set(valuesOf(request, 'scope'));
    const grant = new (provider().Grant)({ accountId, clientId });
    // refusals are stored too, or oidc-provider would ask for them again at once
    for (const { name, required } of scopes) {
      const resource = resources.find((resource) => SCOPES_OF_APIS[resource]?.[name]);
      const allowed = required || ticked.has(name);
      if (resource && allowed) grant.addResourceScope(resource, name);
      else if (resource) grant.rejectResourceScope(resource, name);
      else if (allowed) grant.addOIDCScope(name);
      else grant.rejectOIDCScope(name);
    }
    await provider().interactionFinished(request, response, { consent: { grantId: await grant.save() } });
  });

  /** Returns what oidc-provider asks the user. It finds the interaction by the browser's cookie. */
  async function detailsOf(request: Request, response: Response, expectedPrompt?: 'login' | 'consent') {
    const { prompt, params, session } = await provider().interactionDetails(request, response);
    if (expectedPrompt !== undefined && prompt.name !== expectedPrompt) throw new errors.InvalidRequest('this is not the answer to the current prompt');
    const clientId = String(params['client_id']);
    const client = await provider().Client.find(clientId);
    const resources = [params['resource'] ?? []].flat() as string[];
    const scopes = String(params['scope']).split(' ');
    return {
      prompt: prompt.name,
      clientId,
      clientName: client?.clientName ?? clientId,
      username: session?.accountId ?? '',
      resources,
      scopes: scopes.map((name) => describe(name, resources)).filter((scope) => scope !== undefined),
    };
  }

  router.use((error: unknown, _request: Request, response: Response, next: NextFunction) => {
    if (!(error instanceof errors.OIDCProviderError)) return next(error);
    response
      .status(error.statusCode)
      .send(errorPage('That did not work', 'This login has ended, or was started in another browser. Start again from the app.'));
  });

  return router;
}

const OWN_SCOPES: Readonly<Record<string, string>> = {
  openid: 'Know who you are',
  offline_access: 'Keep this access while you are away',
};

function describe(name: string, resources: readonly string[]): ConsentScope | undefined {
  const description = OWN_SCOPES[name] ?? resources.map((resource) => SCOPES_OF_APIS[resource]?.[name]).find(Boolean);
  return description === undefined ? undefined : { name, description, required: name === 'openid' };
}

/** Returns a form field's values: none, one or several. */
function valuesOf(request: Request, name: string): readonly string[] {
  const value = (request.body as Readonly<Record<string, string | readonly string[]>> | undefined)?.[name];
  return value === undefined ? [] : [value].flat();
}
