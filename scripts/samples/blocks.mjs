const PROGRAM = /^(?:[cm]?[jt]s|[jt]sx|javascript|typescript)$/;
/** All other languages that the documentation may use. Any other name throws, so that no sample is skipped by mistake. */
const TEXT = new Set(['', 'sh', 'json', 'text', 'yaml', 'html', 'http', 'diff', 'dockerfile', 'nginx']);
const FENCE = /^( *)(`{3,}|~{3,})\s*(\S*)/;
const OWN_FILE = /^import \{ [\w, ]+ \} from '\.\/[\w.-]+';$/;
const MARK = /^\s*(?:<!--|\{\/\*) (sample|no program): (.+) (?:-->|\*\/\})$/;

/**
 * Returns the samples of a Markdown file: `{ line, code, mark, notCompiled, isBefore }`. `line` is the line of the first code, `mark` the text of a comment
 * before the block (`<!-- sample: koa -->`), and `notCompiled` the reason why it is not a program (`<!-- no program: ... -->`).
 *
 * An import of a reader's own file (`from './app.mjs'`) is left out: the context provides its names.
 *
 * A block with `// before` and `// after` gives two samples. The code between the two shows another package: that one has `isBefore`.
 */
export function samplesOf(markdown, file) {
  return blocksOf(markdown, file)
    .filter(({ language }) => PROGRAM.test(language))
    .flatMap(({ line, lines, before }) => {
      const [, kind, text] = MARK.exec(before) ?? [];
      return partsOf(lines).map((part) => ({
        file,
        line,
        code: part.lines.map((one) => (OWN_FILE.test(one) ? '' : one)).join('\n'),
        mark: kind === 'sample' ? text : undefined,
        notCompiled: kind === 'no program' ? text : undefined,
        isBefore: part.isBefore,
      }));
    });
}

/** Returns the blocks of code in a Markdown file: `{ language, line, lines, before }`. `before` is the line of text before the block. */
export function blocksOf(markdown, file) {
  const lines = markdown.split('\n');
  const blocks = [];
  for (let index = 0; index < lines.length; index += 1) {
    const [, indent, fence, language] = FENCE.exec(lines[index]) ?? [];
    if (fence === undefined) continue;
    const start = index + 1;
    const end = lines.findIndex((line, position) => position >= start && line.trim() === fence);
    if (end < 0) throw new Error(`${file}:${start} the block has no end`);
    index = end;
    if (!PROGRAM.test(language) && !TEXT.has(language)) {
      throw new Error(`${file}:${start} has the unknown language "${language}": use one that scripts/samples/blocks.mjs lists`);
    }
    blocks.push({ language, line: start + 1, lines: lines.slice(start, end).map((line) => line.slice(indent.length)), before: markBefore(lines, start - 1) });
  }
  return blocks;
}

function markBefore(lines, fenceIndex) {
  const index = lines[fenceIndex - 1]?.trim() === '' ? fenceIndex - 2 : fenceIndex - 1;
  return lines[index] ?? '';
}

/** Divides a block at `// before` and `// after`. In each part the lines of the other are empty, so that line numbers stay the same. */
function partsOf(lines) {
  const before = lines.findIndex((line) => /^\/\/ before\b/.test(line));
  const after = lines.findIndex((line) => /^\/\/ after\b/.test(line));
  if (before < 0 || after < before) return [{ lines, isBefore: false }];
  const part = (isBefore) => ({ isBefore, lines: lines.map((line, index) => ((index >= before && index < after) === isBefore ? line : '')) });
  return [part(false), part(true)];
}
