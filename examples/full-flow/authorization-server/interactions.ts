/* eslint-disable oxc/no-async-endpoint-handlers -- Express 5 passes a rejection to its error handler */
import express, { type NextFunction, type Request, type Response, type Router } from 'express';
import { errors, type Provider } from 'oidc-provider';
import { SCOPES_OF_APIS, SECOND_FACTOR } from '../cast.ts';
import { authenticate } from './accounts.ts';
import { consentPage, errorPage, loginPage, secondFactorPage, type ConsentScope } from './pages.ts';
import { codeOf, isCodeOf, SECOND_FACTOR_MISSING } from './second-factor.ts';

/** What oidc-provider asks the user. */
type Question = 'login' | 'second-factor' | 'consent';

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
    const action = `${request.originalUrl}/${details.question}`;
    if (details.question === 'consent') response.send(consentPage({ ...details, action }));
    else if (details.question === 'login') response.send(loginPage({ ...details, action, failed: false, isKnown: details.username !== '' }));
    else response.send(secondFactorPage({ ...details, action, code: codeOf(details.uid), failed: false }));
  });

  router.post('/:uid/login', form, async (request, response) => {
    const { clientName, username: known } = await detailsOf(request, response, 'login');
    // who is logged in already confirms the login, and does not become somebody else
    const [username = ''] = known === '' ? valuesOf(request, 'username') : [known];
    const [password = ''] = valuesOf(request, 'password');
    const accountId = authenticate(username, password);
    if (accountId === undefined)
      response.status(422).send(loginPage({ action: request.originalUrl, clientName, failed: true, username, isKnown: known !== '' }));
    else await provider().interactionFinished(request, response, { login: { accountId, amr: ['pwd'] } });
  });

  router.post('/:uid/second-factor', form, async (request, response) => {
    const details = await detailsOf(request, response, 'second-factor');
    const [code = ''] = valuesOf(request, 'code');
    if (!isCodeOf(details.uid, code))
      response.status(422).send(secondFactorPage({ ...details, action: request.originalUrl, code: codeOf(details.uid), failed: true }));
    else await provider().interactionFinished(request, response, { login: { accountId: details.username, acr: SECOND_FACTOR, amr: ['pwd', 'otp', 'mfa'] } });
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
  async function detailsOf(request: Request, response: Response, expected?: Question) {
    const { uid, prompt, params, session } = await provider().interactionDetails(request, response);
    const isAuthenticated = prompt.reasons.every((reason) => reason === SECOND_FACTOR_MISSING);
    const question: Question = prompt.name === 'consent' ? 'consent' : isAuthenticated ? 'second-factor' : 'login';
    if (expected !== undefined && question !== expected) throw new errors.InvalidRequest('this is not the answer to the current prompt');
    const clientId = String(params['client_id']);
    const client = await provider().Client.find(clientId);
    const resources = [params['resource'] ?? []].flat() as string[];
    const scopes = String(params['scope']).split(' ');
    return {
      uid,
      question,
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
