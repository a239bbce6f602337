import type { Edit } from './edits.js';
import { endOfBrackets, masked, matchInCode } from './masked.js';
import type { Framework } from './frameworks.js';

/** The changes of a file, or why a person must make them. */
export type Plan = { readonly edits: readonly Edit[] } | { readonly unsure: string } | { readonly isGuarded: true };

export interface Source {
  readonly text: string;
  /** Whether `import()` and top-level `await` work in it, by its name and package.json. */
  readonly isModule: boolean;
}

/** Plans the changes that guard an app. It changes only code that it recognises without doubt. */
export function planFor(framework: Framework, source: Source, options: string): Plan {
  const code = masked(source.text);
  if (importsGuard(framework, source.text, code)) return { isGuarded: true };
  return framework.name === 'nestjs' ? planForModule(framework, source.text, code, options) : planForApp(framework, source, code, options);
}

/** Whether a file imports the guard by any syntax. An import of types guards nothing. */
function importsGuard({ guard }: Framework, text: string, code: string): boolean {
  const named = `\\b(?:from|import|require)\\b\\s*\\(?\\s*(['"\`])${guard}(?:/[^'"\`]*)?\\1`;
  const onlyTypes = [
    `(?:import|export)\\s+type\\b[^;'"]*\\bfrom\\s*`,
    `(?:import|export)\\s*\\{(?:\\s*type\\s[^,}'"]*(?:,\\s*|(?=\\})))+\\}\\s*from\\s*`,
    `typeof\\s+import\\s*\\(\\s*`,
  ];
  const isOfTypes = `\\b(?:${onlyTypes.join('|')})['"\`][^'"\`]*['"\`]`;
  return matchInCode(new RegExp(`${named}(?<!${isOfTypes})`, 'g'), text, code) !== undefined;
}

function planForApp(framework: Framework, { text, isModule }: Source, code: string, options: string): Plan {
  const found = frameworkImport(framework, text, code);
  if (!found) return { unsure: `it does not import ${framework.dependency} in a way that is known here` };
  const call = ['koa', 'hono'].includes(framework.name) ? `new\\s+${found.local}(?:<[^>()]*>)?\\(` : `${found.local}\\(`;
  const creations = [
    ...code.matchAll(new RegExp(`^([ \\t]*)(export\\s+)?(?:const|let|var)\\s+([A-Za-z_$][\\w$]*)(?:\\s*:\\s*[\\w.<>, ]+)?\\s*=\\s*${call}`, 'gm')),
  ];
  if (creations.length !== 1) return { unsure: creations.length === 0 ? 'it does not create the app in a way that is known here' : 'it creates several apps' };
  const [creation] = creations;
  const [matched, indent = '', , app = 'app'] = creation!;
  const close = endOfBrackets(code, creation!.index + matched.length - 1);
  const rest = close === undefined ? undefined : /^[ \t]*(;?)[ \t]*(?=\r?\n|$)/.exec(code.slice(close));
  if (close === undefined || !rest) return { unsure: 'the app is created in an expression that continues after the call' };
  const taken = [...new Set([framework.imported, 'guard'])]
    .filter((name) => framework.name !== 'fastify' || name !== 'guard')
    .find((name) => new RegExp(`\\b${name}\\b`).test(code));
  if (taken !== undefined) return { unsure: `it uses the name ${taken} already` };
  const { newline, quote, semicolon } = found;
  const canAwait = indent === '' && isModule && found.isImport;
  const lines = framework.lines({ app, options, canAwait, semicolon });
  return {
    edits: [
      importEdit(framework, found, newline, quote, semicolon),
      { at: close + rest[0].length, remove: 0, insert: lines.map((line) => `${newline}${indent}${line}`).join('') },
    ],
  };
}

interface FoundImport {
  readonly local: string;
  readonly end: number;
  readonly isImport: boolean;
  readonly quote: string;
  readonly semicolon: string;
  readonly newline: string;
}

/** Finds how a file imports the framework, at the beginning of a line. */
function frameworkImport({ dependency }: Framework, text: string, code: string): FoundImport | undefined {
  const name = dependency.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&');
  const patterns = [
    new RegExp(`^import\\s+(?:\\*\\s+as\\s+)?([A-Za-z_$][\\w$]*)(?:\\s*,\\s*\\{[^}]*\\})?\\s+from\\s*(['"])${name}\\2(;?)`, 'gm'),
    new RegExp(`^import\\s*\\{${NAMED}\\}\\s*from\\s*(['"])${name}\\2(;?)`, 'gm'),
    new RegExp(`^(?:const|let|var|import)\\s+([A-Za-z_$][\\w$]*)\\s*=\\s*require\\((['"])${name}\\2\\)(;?)`, 'gm'),
    new RegExp(`^(?:const|let|var)\\s+\\{${NAMED}\\}\\s*=\\s*require\\((['"])${name}\\2\\)(;?)`, 'gm'),
  ];
  for (const [at, pattern] of patterns.entries()) {
    const match = matchInCode(pattern, text, code);
    if (!match) continue;
    const isImport = at < 2 || match[0].startsWith('import');
    return { local: match[1]!, end: match.index + match[0].length, isImport, quote: match[2]!, semicolon: match[3]!, newline: newlineOf(text) };
  }
  return undefined;
}

/** A named export that creates the app, among others: `{ type Context, Hono }`. */
const NAMED = '\\s*(?:[^}]*,\\s*)?(express|[Ff]astify|Hono)(?:\\s*,[^}]*)?\\s*';

function importEdit({ guard, imported }: Framework, { end, isImport }: FoundImport, newline: string, quote: string, semicolon: string): Edit {
  const line = isImport ? `import { ${imported} } from ${quote}${guard}${quote}` : `const { ${imported} } = require(${quote}${guard}${quote})`;
  return { at: end, remove: 0, insert: `${newline}${line}${semicolon}` };
}

/** Plans the changes of a Nest module: one more entry in `imports`. */
function planForModule(framework: Framework, text: string, code: string, options: string): Plan {
  const modules = [...code.matchAll(/^@Module\(\{/gm)];
  if (modules.length !== 1) return { unsure: modules.length === 0 ? 'it has no @Module({ ... }) in a way that is known here' : 'it has several modules' };
  const open = modules[0]!.index + '@Module('.length;
  const close = endOfBrackets(code, open);
  const common = matchInCode(/^import\s*\{[^}]*\}\s*from\s*(['"])@nestjs\/common\1(;?)/gm, text, code);
  if (close === undefined || !common) return { unsure: "it does not import '@nestjs/common' in a way that is known here" };
  const [entry] = framework.lines({ app: '', options, canAwait: false, semicolon: '' });
  const newline = newlineOf(text);
  const imported: FoundImport = { local: '', end: common.index + common[0].length, isImport: true, quote: common[1]!, semicolon: common[2]!, newline };
  const line = importEdit(framework, imported, newline, common[1]!, common[2]!);
  const body = code.slice(open, close);
  const list = /\bimports\s*:\s*\[/.exec(body);
  if (!list) {
    if (/\bimports\b/.test(body)) return { unsure: 'its imports are not a plain list' };
    return { edits: [line, { at: open + 1, remove: 0, insert: `${newline}  imports: [${entry}],` }] };
  }
  const first = open + list.index + list[0].length;
  const next = /^[ \t]*/.exec(code.slice(first))![0].length + first;
  if (code[next] === ']') return { edits: [line, { at: first, remove: next - first, insert: entry! }] };
  const broken = /^[ \t]*\r?\n([ \t]*)/.exec(code.slice(first));
  return { edits: [line, { at: first, remove: 0, insert: broken ? `${newline}${broken[1]}${entry},` : `${entry}, ` }] };
}

function newlineOf(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}
