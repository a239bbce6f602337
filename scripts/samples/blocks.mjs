const PROGRAM = /^(?:[cm]?[jt]s|[jt]sx|javascript|typescript)$/;
/** Every other language that the documentation may use, so that no sample escapes by a name that nobody knows. */
const TEXT = new Set(['', 'sh', 'json', 'text', 'yaml', 'html', 'http', 'diff', 'dockerfile', 'nginx']);
const FENCE = /^( *)(`{3,}|~{3,})\s*(\S*)/;
const MARK = /^\s*<!-- (sample|no program): (.+) -->$/;

/**
 * The samples of a Markdown file: `{ line, code, mark, notCompiled }`. `line` is that of the first line of code, `mark` what a comment in
 * front of the block says (`<!-- sample: koa -->`), `notCompiled` why it is no program (`<!-- no program: ... -->`).
 *
 * Of a block with `// before` and `// after` only what follows `// after` is ours.
 */
export function samplesOf(markdown, file) {
  const lines = markdown.split('\n');
  const samples = [];
  for (let index = 0; index < lines.length; index += 1) {
    const [, indent, fence, language] = FENCE.exec(lines[index]) ?? [];
    if (fence === undefined) continue;
    const start = index + 1;
    const end = lines.findIndex((line, at) => at >= start && line.trim() === fence);
    if (end < 0) throw new Error(`${file}:${start} the block does not end`);
    index = end;
    if (!PROGRAM.test(language)) {
      if (TEXT.has(language)) continue;
      throw new Error(`${file}:${start} is a block of "${language}": name a language that scripts/samples/blocks.mjs knows`);
    }
    const [, kind, text] = MARK.exec(markBefore(lines, start - 1)) ?? [];
    samples.push({
      file,
      line: start + 1,
      code: ownPart(lines.slice(start, end).map((line) => line.slice(indent.length))).join('\n'),
      mark: kind === 'sample' ? text : undefined,
      notCompiled: kind === 'no program' ? text : undefined,
    });
  }
  return samples;
}

function markBefore(lines, fenceAt) {
  const at = lines[fenceAt - 1]?.trim() === '' ? fenceAt - 2 : fenceAt - 1;
  return lines[at] ?? '';
}

/** What stands under `// before` is another package's: its lines are left empty, so that line numbers hold. */
function ownPart(lines) {
  const before = lines.findIndex((line) => /^\/\/ before\b/.test(line));
  const after = lines.findIndex((line) => /^\/\/ after\b/.test(line));
  return before < 0 || after < before ? lines : lines.map((line, at) => (at >= before && at < after ? '' : line));
}
