import { parseArgs } from 'node:util';
import { DemoError } from './demo-error.ts';

export interface DemoArguments {
  /** Leave everything running, to be clicked through in a browser. */
  readonly serve: boolean;
  /** Four ports from here on. undefined: any free ones. */
  readonly portBase: number | undefined;
  readonly help: boolean;
}

export const USAGE = `npm run demo                            goes the whole way by script and checks each step
npm run demo -- --serve                 leaves everything running, for your browser
npm run demo -- --port-base 4000        uses the ports 4000 to 4003 (or set DEMO_PORT_BASE); default: any free ones`;

/** @throws DemoError that says what is wrong and what would do */
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
    throw new DemoError(`${(error as Error).message.split('. ')[0]}. This is what can be said:\n\n${USAGE}`);
  }
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1024 && port <= 65_532) return port;
  throw new DemoError(`The port base is ${JSON.stringify(text)}: give a whole number from 1024 to 65532.`);
}
