/** Encrypts texts for one purpose, with a ring of keys. `createSealer` creates one. */
export interface Sealer {
  seal(text: string): Promise<string>;
  /** Returns the text; undefined for anything that this app did not seal for this purpose. */
  open(sealed: string): Promise<string | undefined>;
}
