/** A client of the authorization server: an app that asks for tokens. */
export interface ClientEntry {
  readonly id: string;
  /** Its name on the consent page. */
  readonly name: string;
  readonly accessTokenLifetimeSeconds: number;
}

/** A user who can log in. */
export interface Person {
  readonly username: string;
  readonly password: string;
  /** The claim `roles` of this user's access tokens. */
  readonly roles: readonly string[];
}

export const ALICE: Person = { username: 'alice', password: 'wonderland', roles: [] };
export const ADA: Person = { username: 'ada', password: 'notes-of-1843', roles: ['admin'] };
export const PEOPLE: readonly Person[] = [ALICE, ADA];

/** Both are public clients (RFC 6749 s2.1), which cannot keep a secret. PKCE binds a code to the app that requested it. */
export const WEB_APP: ClientEntry = { id: 'web-app', name: 'Orders web app', accessTokenLifetimeSeconds: 300 };
export const KIOSK: ClientEntry = { id: 'kiosk', name: 'Orders kiosk', accessTokenLifetimeSeconds: 4 };
export const PUBLIC_CLIENTS: readonly ClientEntry[] = [WEB_APP, KIOSK];

/**
 * A confidential client: a web app with a server, which keeps the secret and the tokens. The server refreshes an access token 30 seconds before its end, so one
 * of 120 seconds shows refreshes to who clicks through the app.
 */
export const ORDERS_WEB: ClientEntry = { id: 'orders-web', name: 'Leaf & Kettle orders', accessTokenLifetimeSeconds: 120 };

/** The authentication context class (`acr`) of a login with a second factor. */
export const SECOND_FACTOR = 'urn:example:mfa';

/** Resource indicators (RFC 8707) name the API that a token is for. They become the token's `aud`. Nothing is fetched from these URLs. */
export const ORDERS_API = 'https://orders.example.com';
export const INVOICES_API = 'https://invoices.example.com';

/** The scopes of each API, as the consent page describes them. */
export const SCOPES_OF_APIS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [ORDERS_API]: { 'orders:read': 'See your orders', 'orders:write': 'Place orders in your name', payout: 'Pay out the takings' },
  [INVOICES_API]: { 'invoices:read': 'See your invoices' },
};

/** Returns the fields of the login page, filled in. */
export function credentialsOf({ username, password }: Person): { readonly username: string; readonly password: string } {
  return { username, password };
}
