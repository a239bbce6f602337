interface FormPage {
  readonly action: string;
  readonly clientName: string;
  /** Whether the last attempt has failed. */
  readonly failed: boolean;
}

export interface LoginPage extends FormPage {
  /** The user name in the failed attempt, or of the session. */
  readonly username: string;
  /** Whether the user has a session here, and only has to confirm it. */
  readonly isKnown: boolean;
}

export interface SecondFactorPage extends FormPage {
  readonly username: string;
  /** Shown on the page, since this is a demo. */
  readonly code: string;
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

export function loginPage({ action, clientName, failed, username, isKnown }: LoginPage): string {
  const passwordFocus = isKnown || failed ? ' autofocus' : '';
  const name = isKnown
    ? `<p>You are logged in as <strong>${escape(username)}</strong>. Enter your password again to confirm that it is you.</p><input name="username" value="${escape(username)}" autocomplete="username" hidden>`
    : `<label>User name <input name="username" value="${escape(username)}" autocomplete="username" autocapitalize="none" spellcheck="false"${passwordFocus ? '' : ' autofocus'} required></label>`;
  return page(
    isKnown ? 'Confirm your login' : 'Log in',
    `<p>to continue to <strong>${escape(clientName)}</strong></p>
    ${failure(failed, isKnown ? 'The password is wrong.' : 'The user name or the password is wrong.')}
    <form method="post" action="${escape(action)}">
      ${name}
      <label>Password <input name="password" type="password" autocomplete="current-password"${passwordFocus} required></label>
      <button>Log in</button>
    </form>
    <p class="hint">The app itself never sees your password.</p>`,
  );
}

export function secondFactorPage({ action, clientName, username, code, failed }: SecondFactorPage): string {
  return page(
    'Confirm that it is you',
    `<p><strong>${escape(clientName)}</strong> needs a second factor for what you are about to do, <strong>${escape(username)}</strong>.</p>
    ${failure(failed, 'The code is wrong.')}
    <form method="post" action="${escape(action)}">
      <label>Code <input name="code" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9 ]{6,7}" maxlength="7" autofocus required></label>
      <button>Confirm</button>
    </form>
    <p class="hint">A real server would send the code to your phone. In this demo it is <code class="code">${escape(code)}</code>.</p>`,
  );
}

export function consentPage({ action, clientName, username, scopes }: ConsentPage): string {
  const choices = scopes.map(
    ({ name, description, required }) =>
      `<label class="choice"><input type="checkbox" name="scope" value="${escape(name)}" checked${required ? ' disabled' : ''}> <span>${escape(description)}</span> <code>${escape(name)}</code></label>`,
  );
  return page(
    'Allow access?',
    `<p><strong>${escape(clientName)}</strong> wants to act on your behalf, <strong>${escape(username)}</strong>. Untick what you do not allow.</p>
    <form method="post" action="${escape(action)}">
      <fieldset>
        <legend>The app may</legend>
      ${choices.join('\n      ')}
      </fieldset>
      <button name="decision" value="allow">Allow what is ticked</button>
      <button name="decision" value="refuse" class="quiet">Refuse all</button>
    </form>`,
  );
}

/** @param form the HTML form of oidc-provider, which the buttons submit */
export function logoutPage(form: string): string {
  return page(
    'Log out?',
    `<p>This ends your session here and in every app that used it.</p>
    ${form}
    <button form="op.logoutForm" name="logout" value="yes" autofocus>Log out everywhere</button>
    <button form="op.logoutForm" class="quiet">Stay logged in here</button>`,
  );
}

export function errorPage(title: string, text: string): string {
  return page(title, `<p>${escape(text)}</p>`);
}

function failure(failed: boolean, text: string): string {
  return failed ? `<p class="failed" role="alert">${text}</p>` : '';
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${escape(title)}</title>
    <link rel="icon" href="/pages.svg">
    <link rel="stylesheet" href="/pages.css">
  </head>
  <body>
    <main>
    <p class="who"><img src="/pages.svg" alt="" width="20" height="20"> Authorization server</p>
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
