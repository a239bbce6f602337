import { ALICE, credentialsOf } from '../cast.ts';
import { createApp, type App, type AppOptions, type Tokens, type TokenRequest } from './app.ts';
import type { Browser, Page, Place } from './browser.ts';

/** Logs in and gets tokens in one go, with consent to everything: what chapter 1 does step by step. */
export async function logIn(browser: Browser, options: AppOptions, tokenRequest: TokenRequest): Promise<{ readonly app: App; readonly tokens: Tokens }> {
  const app = await createApp(options);
  const request = await app.authorizationRequest(tokenRequest);
  let place: Place = await browser.open(request.url);
  // a browser with a session goes straight to the consent page
  if (place.kind === 'page' && place.fields.some(({ name }) => name === 'password')) place = await browser.submit(place, credentialsOf(ALICE));
  if (place.kind === 'page') place = await browser.submit(place, { scope: choicesOf(place), decision: 'allow' });
  if (place.kind === 'page') throw new Error(`the login ended at the page “${place.title}” with status ${place.status}`);
  return { app, tokens: await app.exchange(app.readAnswer(place.url, request), request) };
}

/** Returns the values of all check boxes on the consent page. */
function choicesOf({ fields }: Page): string[] {
  return fields.filter(({ name, disabled }) => name === 'scope' && !disabled).map(({ value = '' }) => value);
}
