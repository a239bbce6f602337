import type { KoaContextWithOIDC, Provider } from 'oidc-provider';

/** The logins at each client, so that they can be ended without the user. */
export interface Logins {
  /** Notes the logins that a provider answers from now on. */
  watch(provider: Provider): void;
  /** Sends a logout token for each login of a user at a client. Returns how many the client took. */
  end(provider: Provider, clientId: string, username: string): Promise<EndedLogins>;
}

export interface EndedLogins {
  readonly taken: number;
  readonly refused: number;
}

/** What oidc-provider's types leave out. */
interface LogoutClient {
  /** Rejects if the client does not answer with 200. */
  backchannelLogout(subject: string, sessionId: string): Promise<void>;
}

export function createLogins(): Logins {
  /** The session ids (`sid`) of each client and user. */
  const sessionIds = new Map<string, Set<string>>();
  const keyOf = (clientId: string, username: string): string => JSON.stringify([clientId, username]);

  function note({ oidc }: KoaContextWithOIDC): void {
    const { client, entities } = oidc;
    const code = entities.AuthorizationCode as { readonly accountId?: string; readonly sid?: string } | undefined;
    if (!client || code?.accountId === undefined || code.sid === undefined) return;
    const key = keyOf(client.clientId, code.accountId);
    sessionIds.set(key, (sessionIds.get(key) ?? new Set()).add(code.sid));
  }

  return {
    watch: (provider) => void provider.on('grant.success', note),
    async end(provider, clientId, username) {
      const client = (await provider.Client.find(clientId)) as unknown as LogoutClient;
      const ids = sessionIds.get(keyOf(clientId, username)) ?? new Set();
      const results = await Promise.all(
        [...ids].map((id) =>
          client.backchannelLogout(username, id).then(
            () => ids.delete(id),
            () => false,
          ),
        ),
      );
      const taken = results.filter(Boolean).length;
      return { taken, refused: results.length - taken };
    },
  };
}
