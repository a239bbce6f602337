import { ALICE } from '../cast.ts';
import { createApp, type App, type AppOptions, type Tokens, type Wish } from './app.ts';
import type { Browser, Page, Place } from './browser.ts';

/** The whole way to a token in one go, with everything allowed that was asked for: what chapter 1 does step by step. */
export async function logIn(browser: Browser, options: AppOptions, wish: Wish): Promise<{ readonly app: App; readonly tokens: Tokens }> {
  const app = await createApp(options);
  const request = await app.authorizationRequest(wish);
  let place: Place = await browser.open(request.url);
  // a browser that is logged in already is only asked for consent
  if (place.kind === 'page' && place.fields.some(({ name }) => name === 'password')) place = await browser.submit(place, ALICE);
  if (place.kind === 'page') place = await browser.submit(place, { scope: choicesOf(place), decision: 'allow' });
  if (place.kind === 'page') throw new Error(`the login ended at the page “${place.title}” with status ${place.status}`);
  return { app, tokens: await app.exchange(app.readAnswer(place.url, request), request) };
}

/** Everything that can be ticked on the consent page. */
function choicesOf({ fields }: Page): string[] {
  return fields.filter(({ name, disabled }) => name === 'scope' && !disabled).map(({ value = '' }) => value);
}
