/** What a user needs before a refused call can succeed. */
export type Need =
  /** To log in: nobody is logged in, or the token is not valid any more. */
  | { readonly kind: 'login' }
  /** A stronger or more recent login (RFC 9470). Pass it to `login` as it is. */
  | { readonly kind: 'step-up'; readonly acrValues: string | undefined; readonly maxAge: number | undefined }
  /** A permission that the access token lacks. `scopes` is empty if a role or another right is missing. */
  | { readonly kind: 'permission'; readonly scopes: readonly string[] };

/** Returns what a refusal asks for; undefined if no login helps. It reads the challenge, and the body where the API hides the challenge from the page. */
export async function needOf(response: Response): Promise<Need | undefined> {
  if (response.status !== 401 && response.status !== 403) return undefined;
  const challenge = response.headers.get('www-authenticate') ?? '';
  const problem = /problem\+json/.test(response.headers.get('content-type') ?? '') ? await bodyOf(response) : {};
  switch (parameter(challenge, 'error') ?? problem.error) {
    case 'insufficient_user_authentication': {
      const maxAge = parameter(challenge, 'max_age');
      return { kind: 'step-up', acrValues: parameter(challenge, 'acr_values'), maxAge: maxAge === undefined ? undefined : Number(maxAge) };
    }
    case 'insufficient_scope': {
      const scope = parameter(challenge, 'scope') ?? problem.scope ?? '';
      return { kind: 'permission', scopes: scope.split(' ').filter(Boolean) };
    }
    default:
      return response.status === 401 ? { kind: 'login' } : undefined;
  }
}

async function bodyOf(response: Response): Promise<{ readonly error?: string; readonly scope?: string }> {
  try {
    return Object((await response.clone().json()) as unknown) as { error?: string; scope?: string };
  } catch {
    return {};
  }
}

function parameter(challenge: string, name: string): string | undefined {
  return new RegExp(`[ ,]${name}="((?:[^"\\\\]|\\\\.)*)"`).exec(challenge)?.[1]?.replace(/\\(.)/g, '$1');
}
