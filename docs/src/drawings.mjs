import { readFileSync } from 'node:fs';

/**
 * Puts drawings (`![](../drawings/keys.svg)`) into the page itself, so that they have the colours of its theme. On GitHub they are images, with the colours
 * that the browser prefers.
 */
export const inlineDrawings = {
  name: 'inline-drawings',
  image(node, context) {
    if (!context.fileURL || !/^\.[./\w-]*\.svg$/.test(node.url)) return;
    const svg = readFileSync(new URL(node.url, context.fileURL), 'utf8').replace(/<style>[^]*?<\/style>\s*/, '');
    // an empty line would end the block of HTML
    context.replaceNode(node, { type: 'html', value: svg.replaceAll(/\n\s*/g, '') });
  },
};
