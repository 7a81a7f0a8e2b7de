/**
 * How JavaScript's own errors quote what they could not use: where the quotation begins, and the text after it
 * (none: it goes on to the end). JSON.parse, Headers, the operator `in` and Node's argument checks do this.
 */
const quoting: readonly (readonly [RegExp, string])[] = [
  [/Unexpected token |"/, ' is not valid JSON'],
  [/"/, ' is an invalid header value'],
  [/"/, ' is an invalid header name'],
  [/(?<=Cannot use 'in' operator to search for )/, ''],
  [/(?<=Cannot create property '[^']{0,100}' on string )/, ''],
  [/(?<=Received (?:type \w{1,20} \()?)['"]/, ''],
];

/**
 * A text without what such an error quotes: ten characters of an answer may be ten characters of a token (R20).
 * Everything from the first quotation to the last is removed, because the quoted part may imitate the text after it.
 */
export function withoutQuotes(text: string): string {
  let rest = text;
  for (const [beginning, behind] of quoting) {
    const end = behind ? rest.lastIndexOf(behind) : rest.length;
    if (end === -1) continue;
    const start = rest.search(beginning);
    if (start !== -1 && start < end) rest = `${rest.slice(0, start)}[redacted]${rest.slice(end)}`;
  }
  return rest;
}
