import { withoutQuotes } from './quotes.ts';

/** Names of what never reaches a log, however they are written: client_secret, clientSecret, CLIENT_SECRET (R20). */
const secretName =
  /token|secret|passw|assertion|authorization|cookie|verifier|nonce|private|jwk|_key$|keys$|^code$|^state$|^redis_?urls?$/i;

/** ECONNREFUSED and the like: a `code` of the system, which no provider gives out as a code of a sign-in. */
const systemCode = /^[A-Z]+(_[A-Z\d]+)*$/;

const deepest = 6;

export function isSecretName(name: string): boolean {
  return secretName.test(name);
}

/**
 * What a line may hold, wherever a careless one puts it: plain data without what has a secret's name. An error is its
 * messages and its stack, for libraries hang whole answers on theirs; any other object is only named.
 * On pino's own redaction by paths each line costs thirty times as much.
 */
export function withoutSecrets(line: Record<string, unknown>): Record<string, unknown> {
  return cleanObject(line, 0);
}

function clean(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return withoutQuotes(value);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (value instanceof Error) return describe(value);
  if (depth === deepest) return '[…]';
  if (Array.isArray(value)) return value.map((each) => clean(each, depth + 1));
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return cleanObject(value, depth + 1);
  return `[${value.constructor.name}]`;
}

function cleanObject(object: object, depth: number): Record<string, unknown> {
  const cleaned: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(object)) {
    cleaned[name] = value !== undefined && isSecret(name, value) ? '[redacted]' : clean(value, depth);
  }
  return cleaned;
}

function isSecret(name: string, value: unknown): boolean {
  return isSecretName(name) && !(name === 'code' && typeof value === 'string' && systemCode.test(value));
}

function describe(error: Error): object {
  const chain = causesOf(error);
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    message: [...new Set(chain.map(({ message, name }) => withoutQuotes(message) || name))].join(': '),
    stack: chain.map(stackOf).join('\ncaused by: '),
    ...(typeof code === 'string' && { code: isSecret('code', code) ? '[redacted]' : code }),
  };
}

/** It begins with the message, which may be long and of many lines. */
function stackOf({ stack = '', message }: Error): string {
  return stack.replace(message, () => withoutQuotes(message));
}

function causesOf(error: Error): Error[] {
  const chain: Error[] = [];
  for (let link: unknown = error; link instanceof Error && chain.length < deepest; link = link.cause)
    chain.push(link);
  return chain;
}
