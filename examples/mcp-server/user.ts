import type {
  DpopSession,
  OAuthClientInformationMixed,
  OAuthClientMetadata,
  OAuthClientProvider,
  OAuthDiscoveryState,
  OAuthTokens,
} from '@modelcontextprotocol/client';

/** The parts of an MCP client that belong to the app: what it stores, and a user with a browser, who logs in wherever the client sends her. */
export class User implements OAuthClientProvider {
  /** The authorization requests of the client: the scope that each of them asks for. */
  readonly asked: (string | null)[] = [];
  /** The client's registration. */
  client: OAuthClientInformationMixed | undefined;
  readonly redirectUrl = 'http://127.0.0.1:8976/callback';
  readonly clientMetadata: OAuthClientMetadata;
  readonly #name: string;
  readonly #cookies = new Map<string, string>();
  readonly #dpop: DpopSession | undefined;
  #tokens: OAuthTokens | undefined;
  #verifier = '';
  #discovered: OAuthDiscoveryState | undefined;
  #answer: URLSearchParams | undefined;

  /** @param dpop the client's key, if its tokens are to be bound to it (RFC 9449; version 2 of the SDK) */
  constructor(name: string, client?: OAuthClientInformationMixed, dpop?: DpopSession) {
    this.#name = name;
    this.#dpop = dpop;
    this.client = client;
    this.clientMetadata = {
      client_name: 'an agent',
      application_type: 'native',
      redirect_uris: [this.redirectUrl],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }

  /** Returns what the authorization server sent back to the client, once. */
  takeAnswer(): URLSearchParams {
    const answer = this.#answer;
    this.#answer = undefined;
    if (!answer) throw new Error('the user was not asked to log in');
    return answer;
  }

  clientInformation(): OAuthClientInformationMixed | undefined {
    return this.client;
  }

  saveClientInformation(client: OAuthClientInformationMixed): void {
    this.client = client;
  }

  tokens(): OAuthTokens | undefined {
    return this.#tokens;
  }

  saveTokens(tokens: OAuthTokens): void {
    this.#tokens = tokens;
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  codeVerifier(): string {
    return this.#verifier;
  }

  dpop(): DpopSession | undefined {
    return this.#dpop;
  }

  saveDiscoveryState(discovered: OAuthDiscoveryState): void {
    this.#discovered = discovered;
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovered;
  }

  /** Follows redirects, and logs in on the page where they end. */
  async redirectToAuthorization(start: URL): Promise<void> {
    this.asked.push(start.searchParams.get('scope'));
    let url = start;
    let form: URLSearchParams | undefined;
    for (let step = 0; step < 10; step++) {
      const response = await this.#send(url, form);
      const location = response.headers.get('location');
      form = location === null ? new URLSearchParams({ login: this.#name }) : undefined;
      if (location === null) continue;
      url = new URL(location, url);
      if (url.href.startsWith(this.redirectUrl)) {
        this.#answer = url.searchParams;
        return;
      }
    }
    throw new Error(`the login does not end: ${url.origin}${url.pathname}`);
  }

  async #send(url: URL, form: URLSearchParams | undefined): Promise<Response> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { redirect: 'manual', headers: { cookie }, ...(form && { method: 'POST', body: form }) });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      this.#cookies.set(name!, value!);
    }
    return response;
  }
}
