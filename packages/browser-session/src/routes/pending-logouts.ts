import { randomBytes } from 'node:crypto';
import { hashOf } from '../hash.js';
import type { SessionStore } from '@tokenward/core/store';
import type { SessionConfig } from '../config.js';
import { deleteChunks, readChunks, writeChunks, type ChunkedCookie } from '../cookies/chunks.js';
import { createSealer } from '../cookies/seal.js';

/** A logout at the issuer that the browser has yet to send: the address, and the parameters of the form. */
export interface LogoutForm {
  readonly url: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Keeps the form of a logout between the answer of the logout route and the page that posts it. The ID token in it is too long for a URL. */
export interface PendingLogouts {
  /** Returns the `Set-Cookie` lines; undefined if the form is too long for cookies. @throws SessionStoreError (the promise rejects) */
  keep(form: LogoutForm): Promise<readonly string[] | undefined>;
  /** Returns the form of a request, once, and the lines that delete its cookie. @throws SessionStoreError (the promise rejects) */
  take(cookieHeader: string | undefined): Promise<{ readonly form: LogoutForm | undefined; readonly setCookies: readonly string[] }>;
}

type PendingConfig = Pick<SessionConfig, 'clock' | 'secrets' | 'store'>;

const COOKIE: ChunkedCookie = { name: '__Host-logout', sameSite: 'Strict' };
/** The page follows at once. */
const KEPT_SECONDS = 60;

/** With a store, the cookie contains only a name: an app that has a store expects small cookies. */
export function createPendingLogouts({ clock, secrets, store }: PendingConfig): PendingLogouts {
  // not the purpose of a session: neither can stand in for the other
  const sealer = createSealer(secrets, 'login', COOKIE.name);
  const stored = store && createStoredForms(store, secrets);

  return {
    async keep(form) {
      const until = Math.floor(clock.now() / 1000) + KEPT_SECONDS;
      const text = JSON.stringify({ until, ...(stored ? { name: await stored.add(JSON.stringify(form), until) } : { form }) });
      return writeChunks(COOKIE, await sealer.seal(text), KEPT_SECONDS, 0);
    },
    async take(cookieHeader) {
      const setCookies = deleteChunks(COOKIE, cookieHeader);
      const sealed = readChunks(cookieHeader, COOKIE.name);
      const text = sealed === undefined ? undefined : await sealer.open(sealed);
      if (text === undefined) return { form: undefined, setCookies };
      // this package wrote it: nobody else can seal a text
      const { until, form, name } = JSON.parse(text) as { readonly until: number; readonly form?: LogoutForm; readonly name?: string };
      if (!(clock.now() / 1000 < until)) return { form: undefined, setCookies };
      if (name === undefined) return { form, setCookies };
      const kept = await stored?.take(name);
      return { form: kept === undefined ? undefined : (JSON.parse(kept) as LogoutForm), setCookies };
    },
  };
}

/** Sealed texts in the store of sessions. */
function createStoredForms(store: SessionStore, secrets: readonly string[]) {
  const sealer = createSealer(secrets, 'store', COOKIE.name);
  return {
    async add(text: string, until: number): Promise<string> {
      const name = randomBytes(32).toString('base64url');
      await store.create({ key: keyOf(name), sealed: await sealer.seal(text), version: 1, until, issuedAt: until - KEPT_SECONDS, labels: [] });
      return name;
    },
    async take(name: string): Promise<string | undefined> {
      // whoever removes it gets it: two requests at once do not both
      const kept = await store.remove(keyOf(name));
      return kept && sealer.open(kept.sealed);
    },
  };
}

function keyOf(name: string): string {
  return hashOf(`logout ${name}`);
}
