export interface LoginPage {
  readonly action: string;
  readonly clientName: string;
  /** Whether a login has just failed. */
  readonly failed: boolean;
  /** The user name in the failed attempt. */
  readonly username?: string;
}

export interface ConsentPage {
  readonly action: string;
  readonly clientName: string;
  readonly username: string;
  readonly scopes: readonly ConsentScope[];
}

export interface ConsentScope {
  readonly name: string;
  readonly description: string;
  /** Cannot be unticked: there is no login without it. */
  readonly required: boolean;
}

export function loginPage({ action, clientName, failed, username = '' }: LoginPage): string {
  return page(
    'Log in',
    `<p>to continue to <strong>${escape(clientName)}</strong>. The app itself never sees your password.</p>
    ${failed ? '<p class="failed" role="alert">The user name or the password is wrong.</p>' : ''}
    <form method="post" action="${escape(action)}">
      <label>User name <input name="username" value="${escape(username)}" autocomplete="username" autofocus required></label>
      <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
      <button>Log in</button>
    </form>`,
  );
}

export function consentPage({ action, clientName, username, scopes }: ConsentPage): string {
  const choices = scopes.map(
    ({ name, description, required }) =>
      `<label class="choice"><input type="checkbox" name="scope" value="${escape(name)}" checked${required ? ' disabled' : ''}> ${escape(description)} <code>${escape(name)}</code></label>`,
  );
  return page(
    'Allow access?',
    `<p><strong>${escape(clientName)}</strong> wants to act on your behalf, <strong>${escape(username)}</strong>. Untick what you do not allow.</p>
    <form method="post" action="${escape(action)}">
      ${choices.join('\n      ')}
      <button name="decision" value="allow">Allow what is ticked</button>
      <button name="decision" value="refuse" class="quiet">Refuse all</button>
    </form>`,
  );
}

/** @param form the HTML form of oidc-provider, which the button submits */
export function logoutPage(form: string): string {
  return page(
    'Log out?',
    `<p>This ends your session here and in every app that used it.</p>
    ${form}
    <button form="op.logoutForm" name="logout" value="yes">Log out</button>`,
  );
}

export function errorPage(title: string, text: string): string {
  return page(title, `<p>${escape(text)}</p>`);
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${escape(title)}</title>
    <link rel="stylesheet" href="/pages.css">
  </head>
  <body>
    <main>
    <p class="who">Authorization server</p>
    <h1>${escape(title)}</h1>
    ${body}
    </main>
  </body>
</html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
