export { instrumentTokenward, type TokenwardInstrumentation } from './instrument.js';
export type { HasHealth, InstrumentationOptions } from './options.js';
