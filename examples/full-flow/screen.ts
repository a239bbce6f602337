import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Prints everything that the demo shows. */
export interface Screen {
  title(text: string): void;
  chapter(text: string): void;
  step(number: number, title: string, why: string): void;
  /** Prints a remark under a step. */
  note(text: string): void;
  request(line: string, details: readonly string[]): void;
  response(status: number, line: string, details: readonly string[]): void;
  /** Prints a value under a name. */
  show(name: string, value: unknown): void;
  passed(text: string): void;
  plain(text: string): void;
  failed(text: string): void;
}

const WIDTH = 100;

/** Creates the screen. Styles appear on a terminal only: styleText checks the stream and NO_COLOR. */
export function createScreen(): Screen {
  const print = (text = '') => console.log(text);
  const paint = (style: Style, text: string) => styleText(style, text, { stream: process.stdout });

  function printMarked(mark: string, text: string): void {
    for (const [index, line] of wrap(text, WIDTH - 5).entries()) print(`   ${index === 0 ? mark : ' '} ${line}`);
  }

  return {
    title(text) {
      print(paint('bold', text));
    },
    chapter(text) {
      print(`\n${paint(['bold', 'inverse'], ` ${text} `)}`);
    },
    step(number, title, why) {
      print(`\n${paint('bold', `${number}. ${title}`)}`);
      for (const line of wrap(why, WIDTH - 3)) print(`   ${line}`);
    },
    note: (text) => printMarked(paint('dim', '·'), text),
    request(line, details) {
      print(`   ${paint('cyan', '>')} ${paint('cyan', line)}`);
      for (const detail of details) print(`       ${detail}`);
    },
    response(status, line, details) {
      const colour = status < 400 ? 'green' : 'yellow';
      print(`   ${paint(colour, '<')} ${paint(colour, line)}`);
      for (const detail of details) print(`       ${detail}`);
    },
    show(name, value) {
      print(`   ${paint('dim', '·')} ${name}`);
      for (const line of JSON.stringify(value, null, 2).split('\n')) print(`       ${line}`);
    },
    passed: (text) => printMarked(paint('green', '✓'), text),
    plain: print,
    failed(text) {
      process.stderr.write(`${styleText('red', text, { stream: process.stderr })}\n`);
    },
  };
}

function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!;
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}
