import { besides } from './own-fields.ts';
import { withoutQuotes } from './quotes.ts';

/**
 * Names of what neither a log nor a page may print, however they are written: client_secret, clientSecret, CLIENT_SECRET,
 * and what people type: a password, a PIN, a one-time password (R20).
 */
const secretName =
  /token|secret|passw|passcode|passphrase|assertion|authorization|cookie|verifier|nonce|jwk|(?:api|private)_?key|(?:^|_)(?:pin|otp|totp|cvc|cvv)(?:$|_)/i;
const secretWord = /[a-z](?:Pin|Otp|Cvc|Cvv)(?![a-z])/;

/** Names of secrets in a sign-in and in settings only. In a form, these are the state of an address or a private note. */
const secretInLog = /private|_key$|keys$|^code$|^state$|^redis_?urls?$/i;

/**
 * ECONNREFUSED and the like: a `code` of the system, which no provider gives out as a code of a sign-in. Or an SQLSTATE
 * such as 23505, which is far too short for one.
 */
const systemCode = /^([A-Z]+(_[A-Z\d]+)*|[\dA-Z]{5})$/;

// A line stays one that can be read and shipped, whatever somebody sent that got into it (R23).
const deepest = 6;
const longestText = 10_000;
const longestName = 200;
const mostValues = 1_000;

/** How many values the line may still hold. */
interface Budget {
  left: number;
}

/** Of what people may send or configure: the one rule for forms and the log. */
export function isSecretName(name: string): boolean {
  return name.length > longestName || secretName.test(name) || secretWord.test(name);
}

/** Of what a line of the log may hold. */
export function isSecretInLog(name: string): boolean {
  return isSecretName(name) || secretInLog.test(name);
}

/**
 * What a line may contain, wherever a careless one puts it: plain data without what has a secret's name. An error is its
 * messages and its stack, for libraries hang whole answers on theirs; any other object is only named.
 * On pino's own redaction by paths each line costs thirty times as much.
 */
export function withoutSecrets(line: Record<string, unknown>): Record<string, unknown> {
  return besides(cleanObject(line, 0, { left: mostValues }), ofEachLine);
}

/** What every line has of itself. */
const ofEachLine = ['level', 'time', 'service.name', 'service.instance.id'];

function clean(value: unknown, depth: number, budget: Budget): unknown {
  if (typeof value === 'string') return shortened(withoutJwts(withoutQuotes(value)));
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (value instanceof Error) return describe(value);
  if (depth === deepest) return '[…]';
  if (Array.isArray(value)) return cleanList(value, depth + 1, budget);
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return cleanObject(value, depth + 1, budget);
  return `[${value.constructor.name}]`;
}

function cleanList(list: readonly unknown[], depth: number, budget: Budget): unknown[] {
  const cleaned: unknown[] = [];
  for (const value of list) {
    if (budget.left-- <= 0) return [...cleaned, '[…]'];
    cleaned.push(clean(value, depth, budget));
  }
  return cleaned;
}

function cleanObject(object: object, depth: number, budget: Budget): Record<string, unknown> {
  const cleaned: Record<string, unknown> = {};
  for (const name in object) {
    if (!Object.hasOwn(object, name)) continue;
    if (budget.left-- <= 0) return { ...cleaned, '[…]': true };
    const value = (object as Record<string, unknown>)[name];
    const secret = value !== undefined && isSecret(name, value);
    cleaned[shortened(name)] = secret ? '[redacted]' : clean(value, depth, budget);
  }
  return cleaned;
}

/** A JWT (RFC 7519), or what is there of one: all begin with a JSON object in base64url. */
const jwt = /eyJ[\w-]{7,}(?:\.[\w-]*)*/g;

/** A token may come into a line by any name, also that of the platform in its file (R20). */
function withoutJwts(text: string): string {
  return text.replace(jwt, '[redacted]');
}

/** Without half of a surrogate pair, as a JSON string can hold it: some log stores refuse the whole line for that. */
function shortened(text: string): string {
  return (text.length > longestText ? `${text.slice(0, longestText)}[…]` : text).toWellFormed();
}

function isSecret(name: string, value: unknown): boolean {
  return isSecretInLog(name) && !(name === 'code' && typeof value === 'string' && systemCode.test(value));
}

function describe(error: Error): object {
  const chain = causesOf(error);
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    message: shortened(
      [...new Set(chain.map(({ message, name }) => withoutJwts(withoutQuotes(message)) || name))].join(': '),
    ),
    stack: shortened(chain.map(stackOf).join('\ncaused by: ')),
    ...(typeof code === 'string' && { code: isSecret('code', code) ? '[redacted]' : code }),
  };
}

/** It begins with the message, which may be long and of many lines. */
function stackOf({ stack = '', message }: Error): string {
  return withoutJwts(stack.replace(message, () => withoutQuotes(message)));
}

function causesOf(error: Error): Error[] {
  const chain: Error[] = [];
  for (let link: unknown = error; link instanceof Error && chain.length < deepest; link = link.cause)
    chain.push(link);
  return chain;
}
