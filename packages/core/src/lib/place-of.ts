/** The end of a token or of a sealed text is a signature or a tag, which is as good as random. */
const TAIL_LENGTH = 8;

/**
 * Returns the place of a text in a cache: an integer of 32 bits, which a Map finds without a call into V8's runtime. To hash a whole text, or to look up a
 * string at all, costs more than the rest of a look-up. Two texts may have one place, so compare the whole text that is found there.
 */
export function placeOf(text: string): number {
  let place = 0;
  for (let at = Math.max(0, text.length - TAIL_LENGTH); at < text.length; at++) place = (Math.imul(place, 131) + text.charCodeAt(at)) | 0;
  return place;
}
