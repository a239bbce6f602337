import { Script } from 'node:vm';

const CALL = new Script('globalThis.__underWatch()');

/**
 * Runs something synchronous, and stops it after so many seconds. A loop that never ends would else stop the test run with it: no timer fires, so
 * that no test's own deadline could come.
 *
 * @throws Error that names what was going on
 */
export function endsInTime<T>(seconds: number, run: () => T, current: () => string = () => ''): T {
  let result: T | undefined;
  const surroundings = globalThis as { __underWatch?: () => void };
  surroundings.__underWatch = () => void (result = run());
  try {
    CALL.runInThisContext({ timeout: seconds * 1000 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    throw new Error(`it did not end within ${seconds} s: ${current()}`, { cause: error });
  } finally {
    delete surroundings.__underWatch;
  }
  return result as T;
}

/** Characters that mean something to one parser or another. */
const SPECIAL = ['"', '\\', '{', '}', '[', ']', ',', ':', '=', '-', '.', ' ', '\n', '\0', '/', 'u', '0', 'A', '~', '\u00e9', '\ud800'];

/** A text broken off at each place, and changed at each place by one character. */
export function* broken(text: string): Generator<string> {
  for (let at = 0; at <= text.length; at++) {
    yield text.slice(0, at);
    yield text.slice(at);
    yield text.slice(0, at) + text.slice(at + 1);
    const special = SPECIAL[at % SPECIAL.length]!;
    yield text.slice(0, at) + special + text.slice(at);
    yield text.slice(0, at) + SPECIAL[(at * 7 + 3) % SPECIAL.length]! + text.slice(at + 1);
  }
}

const REPEATED = [
  '\\"',
  '"\\',
  '\\\\"',
  '""',
  '"":',
  '"a":',
  '"\\u0061":',
  '{"a":',
  '[[',
  '},{',
  ' ,',
  ', ',
  '\t\n',
  '==',
  '--',
  '..',
  '%',
  '%41',
  ';',
  '"\\n"\n',
  '-----BEGIN ',
  '-----BEGIN A-----',
  '-----BEGIN A-----\n',
  '-----END A-----',
  'ssh-rsa ',
  '"kty"',
  '"iss":',
  'bearer ',
  ', bearer',
  ',\t',
  'access_token&',
  'MIIB',
  '30820122',
  '0x',
  'max-age=',
  '9',
];

/** What a parser may stumble over again and again, of some length; beginning and ending as valid texts do, or not. */
export function* long(text: string, length: number): Generator<string> {
  const parts = [...SPECIAL, ...REPEATED, text];
  const half = Math.floor(text.length / 2);
  for (const part of parts) {
    const row = part.repeat(Math.ceil(length / part.length));
    yield row;
    yield text.slice(0, half) + row;
    yield `${text.slice(0, half)}${row}${text.slice(half)}`;
    yield row + text;
  }
}
