import type { Request } from 'express';
import { belongsToProtocol, isParameterName } from '../config/authorization-parameters.ts';
import { queryOf } from '../http/parameters.ts';
import { hasControlCharacter } from '../http/return-path.ts';
import type { Provider } from '../provider/index.ts';
import { leaveOutLongest } from '../provider/parameters.ts';
import { type AuthContext, authOf } from '../session/context.ts';
import { ownLoginParameters } from '../session/login-parameters.ts';

/**
 * As JSON, in bytes, without the short `prompt`: they go into the sign-in's cookie, beside a path of up to 2 KB, and
 * browsers drop a cookie of more than 4,096.
 */
const mostBytes = 600;
/** A path of 2 KB, its escapes, and more than all that is taken besides. A longer one is not looked at (R23). */
const longestLink = 8_192;
const mostNamesSaid = 50;

const bytesOf = (name: string, value: string) => Buffer.byteLength(JSON.stringify({ [name]: value }));

/**
 * What a link to /auth/login asks of the provider, as far as the site lets links do that. Whatever else it holds is
 * dropped, and the development log says so: anybody can write a link, so one must neither steer nor break a sign-in.
 */
export function linkParameters(req: Request): Record<string, string> {
  if (req.originalUrl.length > longestLink) {
    if (authOf(req).context.explain)
      req.log.warn('a link to /auth/login is too long: its parameters were dropped');
    return {};
  }
  const given = new Map<string, string | undefined>();
  // Of two values nobody can say which is meant.
  for (const [name, value] of queryOf(req)) given.set(name, given.has(name) ? undefined : value);
  const taken: Record<string, string> = {};
  for (const [name, value] of given) {
    if (ownLoginParameters.has(name) || value === '') continue;
    const why = whyDropped(req, name, value);
    if (why !== undefined) sayDropped(req, name, why);
    else if (value !== undefined) taken[name] = value;
  }
  const { prompt, ...others } = taken;
  const { kept, left } = leaveOutLongest(others, mostBytes, bytesOf);
  for (const name of left)
    sayDropped(
      req,
      name,
      `it is too long: all parameters of a link together have at most ${mostBytes} bytes`,
    );
  return { ...(prompt !== undefined && { prompt }), ...kept };
}

/**
 * Whether a link asks for another account, a new one or a new sign-in, whoever is signed in here.
 *
 * @param provider the one that it is for; undefined where the person is yet to choose
 */
export function asksForAnother(
  { prompt = '' }: Record<string, string>,
  provider: Provider | undefined,
): boolean {
  const asked = prompt.split(' ');
  if (asked.includes('select_account') || asked.includes('login')) return true;
  // A provider that makes no accounts would let in whoever is signed in there, without a question.
  return asked.includes('create') && provider?.offersPrompt('create') !== false;
}

function whyDropped(req: Request, name: string, value: string | undefined): string | undefined {
  const { loginParameters } = authOf(req).context;
  if (belongsToProtocol(name)) return 'no link can set what the app itself sends';
  if (!loginParameters.names(name)) return 'name it in `loginParameters` of site.ts if links may send it';
  if (value === undefined) return 'it came twice: write it once in the link';
  if (!loginParameters.allows(name, value)) {
    return '`loginParameters` in site.ts does not let links send this value';
  }
  return hasControlCharacter(value) ? 'it contains a control character' : undefined;
}

const said = new WeakMap<AuthContext, Set<string>>();

/** While developing, once for each name. Never its value, which may be somebody's address. */
function sayDropped(req: Request, name: string, hint: string): void {
  const { context } = authOf(req);
  if (!context.explain || !isParameterName(name)) return;
  const names = said.get(context) ?? new Set();
  said.set(context, names);
  if (names.has(name) || names.size >= mostNamesSaid) return;
  names.add(name);
  req.log.warn({ parameter: name, hint }, 'a parameter of a link to /auth/login was dropped');
}
