import { AuthError } from '../errors/auth-error.ts';

// What comes from outside as JSON may nest and repeat without end, and text of ten kilobytes is enough to fill a page
// of fifty megabytes or a stack. It is looked at once, before anything walks, prints or stores it (R23).

export interface Bounds {
  /** Lists and objects inside one another, the outermost not counted. */
  levels: number;
  /** Of every kind, at every level. */
  values: number;
  /** As JSON. */
  bytes: number;
}

/** More claims than this are refused at sign-in: every page would have to read them. */
export const claimBounds: Bounds = { levels: 16, values: 5_000, bytes: 128 * 1024 };

/** Says what of a parsed JSON value is out of bounds; undefined where nothing is. Does not call itself. */
export function excess(json: unknown, bounds: Bounds): string | undefined {
  const { levels, values, bytes } = bounds;
  let found = 0;
  let level: object[] = isContainer(json) ? [json] : [];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > levels) return `more than ${levels} levels`;
    const inner: object[] = [];
    for (const container of level) {
      const held: unknown[] = Array.isArray(container) ? container : Object.values(container);
      found += held.length;
      if (found > values) return `more than ${values} values`;
      for (const value of held) if (isContainer(value)) inner.push(value);
    }
    level = inner;
  }
  // Only now, as JSON.stringify calls itself for each level.
  const size = Buffer.byteLength(JSON.stringify(json) ?? '');
  return size > bytes ? `more than ${bytes / 1024} KB` : undefined;
}

/**
 * @param from who sent them, for the log
 * @throws AuthError `claims_too_large`
 */
export function boundClaims(claims: object, from: string): void {
  const over = excess(claims, claimBounds);
  if (over === undefined) return;
  const hint = `${from}: ${over} of claims; have the provider send fewer, such as the groups of this app only`;
  throw new AuthError('claims_too_large', { hint });
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
