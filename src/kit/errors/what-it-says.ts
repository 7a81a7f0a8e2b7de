/**
 * What an error of somebody else's says, in one line, with its code (a database's, or the system's), by which one finds
 * out more. Where a name has several addresses, as `localhost` has, Node gives an error without a message: then what each
 * of them said.
 */
export function whatItSays(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const each = error instanceof AggregateError ? error.errors.map((one) => whatItSays(one)) : [];
  const text = error.message || [...new Set(each)].join('; ') || error.name;
  const code = codeOf(error);
  return code === undefined || text.includes(code) ? text : `${text} (${code})`;
}

/** Its own, or that of what caused it. Those of Node say no more than the message does. */
export function codeOf(error: unknown): string | undefined {
  let current = error;
  for (let depth = 0; current instanceof Error && depth < 6; depth++) {
    const { code } = current as { code?: unknown };
    if (typeof code === 'string' && /^[A-Z0-9]{3,20}$/.test(code)) return code;
    current = current.cause;
  }
  return undefined;
}
