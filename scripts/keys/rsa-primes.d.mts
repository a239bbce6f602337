export function makeRsaPrimes(): Promise<string[]>;
