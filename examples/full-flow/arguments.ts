import { parseArgs } from 'node:util';
import { DemoError } from './demo-error.ts';

export interface DemoArguments {
  /** Leave everything running, for a browser. */
  readonly serve: boolean;
  /** The first of four ports. undefined: any free ones. */
  readonly portBase: number | undefined;
  readonly help: boolean;
}

export const USAGE = `npm run demo                            runs the whole flow by script and checks each step
npm run demo -- --serve                 leaves everything running, for your browser
npm run demo -- --port-base 4000        uses ports 4000 to 4003 (or set DEMO_PORT_BASE); default: any free ones`;

/** @throws DemoError that says what is wrong and shows the usage */
export function readArguments(argv: readonly string[], environment: NodeJS.ProcessEnv): DemoArguments {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: { serve: { type: 'boolean', default: false }, 'port-base': { type: 'string' }, help: { type: 'boolean', default: false } },
    });
    const portBase = values['port-base'] ?? environment['DEMO_PORT_BASE'];
    return { serve: values.serve, portBase: portBase === undefined || portBase === '' ? undefined : readPort(portBase), help: values.help };
  } catch (error) {
    if (error instanceof DemoError) throw error;
    throw new DemoError(`${(error as Error).message.split('. ')[0]}. Usage:\n\n${USAGE}`);
  }
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1024 && port <= 65_532) return port;
  throw new DemoError(`Invalid port base ${JSON.stringify(text)}: give a whole number from 1024 to 65532.`);
}
