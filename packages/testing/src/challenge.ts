/** A parsed challenge of a `WWW-Authenticate` field (RFC 9110 s11.6.1). */
export interface ReceivedChallenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** token [ BWS "=" BWS quoted-string ], the form of auth-params in RFC 9110 s11.2. Nothing else is accepted. */
const PARAMETER = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)="((?:[\t !#-[\]-~]|\\[\t -~])*)"/;

/**
 * Parses a field line with one challenge. It accepts quoted values only, and each parameter once.
 *
 * @throws Error that says where the line is malformed
 */
export function parseChallenge(line: string): ReceivedChallenge {
  const [challenge, ...others] = parseChallenges(line);
  if (others.length > 0) throw new Error(`more than one challenge: ${line}`);
  return challenge;
}

/**
 * Parses the challenges of a response: one field line, or several that were joined, as `headers.get()` of fetch does.
 *
 * @throws Error that says where the text is malformed
 */
export function parseChallenges(text: string): readonly [ReceivedChallenge, ...ReceivedChallenge[]] {
  const challenges: ReceivedChallenge[] = [];
  let rest = text;
  do {
    const scheme = /^[A-Za-z]+(?= |$)/.exec(rest)?.[0];
    if (scheme === undefined) throw new Error(`no auth-scheme: ${rest}`);
    const parameters: Record<string, string> = Object.create(null) as Record<string, string>;
    rest = rest.slice(scheme.length);
    for (let separator = ' '; rest !== '' && !/^, [A-Za-z]+ /.test(rest); separator = ', ') {
      const match = rest.startsWith(separator) ? PARAMETER.exec(rest.slice(separator.length)) : null;
      if (!match) throw new Error(`no auth-param at "${rest}"`);
      const [whole, name, value] = match as unknown as [string, string, string];
      if (name in parameters) throw new Error(`"${name}" is duplicated: ${text}`);
      parameters[name] = value.replaceAll(/\\(.)/g, '$1');
      rest = rest.slice(separator.length + whole.length);
    }
    challenges.push({ scheme, parameters });
    rest = rest.replace(/^, /, '');
  } while (rest !== '');
  return challenges as [ReceivedChallenge, ...ReceivedChallenge[]];
}
