import { parseDocument } from 'yaml';
import { blocksOf } from './blocks.mjs';

const PARSERS = {
  json: (text) => JSON.parse(text),
  yaml(text) {
    const [problem] = parseDocument(text).errors;
    if (problem) throw problem;
  },
};

/** Parses the blocks of JSON and YAML in a Markdown file. Returns their number, and a line for each that is malformed. */
export function checkData(markdown, file) {
  const blocks = blocksOf(markdown, file).filter(({ language }) => Object.hasOwn(PARSERS, language));
  const problems = blocks.flatMap(({ language, line, lines }) => {
    try {
      PARSERS[language](lines.join('\n'));
      return [];
    } catch ({ message }) {
      return [`${file}:${line} is not ${language.toUpperCase()}: ${message}`];
    }
  });
  return { count: blocks.length, problems };
}
