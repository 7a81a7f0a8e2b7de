import { AuthError } from '../errors/auth-error.ts';
import type { Log } from '../log/index.ts';
import { apiAddress, type CallTokens, type Provider } from '../provider/index.ts';
import type { TokenRecord } from '../store/index.ts';
import type { AuthContext, HookUser } from './context.ts';
import type { Admission, SignInContext } from './sign-in-hook.ts';
import { nameIn } from './user-session.ts';
import { within } from './within.ts';

/** How long `signIn` may take, in milliseconds. */
const patienceMs = 5_000;
const mostRoles = 1_000;
const longestRole = 200;
/** In bytes, as JSON: every page reads it. */
const largestMember = 4_096;

/** Whom `signIn` is asked about. */
interface Asked {
  provider: Provider;
  iss: string;
  sub: string;
  claims: Readonly<Record<string, unknown>>;
  /** Undefined where a session has lost them. */
  tokens: TokenRecord | undefined;
  /** The session of a recheck. At a sign-in there is none yet. */
  session?: string;
  reason: SignInContext['reason'];
  language: SignInContext['language'];
  log: Log;
}

/**
 * Asks `signIn` in site.ts who may come in, and what they are here. Fails closed.
 *
 * @throws AuthError `not_admitted` where it refuses; `admission_failed` where it throws, takes more than five seconds or
 *   returns what cannot be kept
 */
export async function admit(context: AuthContext, asked: Asked): Promise<Admission> {
  const { signIn, data, settings } = context.site;
  if (!signIn) return {};
  const { provider, tokens, claims, session, ...whom } = asked;
  const inClaims = context.rolesOf(provider.name, claims);
  const apiTokens = tokensFor(context, session);
  const at: SignInContext = {
    ...{ ...whom, data, settings },
    // A copy: what it writes into it changes nobody's claims (R12).
    claims: structuredClone(claims),
    provider: provider.name,
    roles: inClaims,
    fetchApi: async (name, path, init) => {
      const address = apiAddress(context.apis, name, path);
      if (!context.apis.get(name)?.providers.includes(provider.name)) {
        throw new Error(`the API '${name}' accepts no tokens of the provider '${provider.name}'`);
      }
      if (!tokens) throw new AuthError('sign_in_again', { hint: 'the session has no token record' });
      const user = { ...asked, tokens };
      const token = await apiTokens.get(user, name);
      const { response, challenge } = await provider.fetchApi(token, address, init);
      if (challenge?.error !== 'invalid_token') return response;
      const fresh = await apiTokens.get(user, name, token.access_token);
      if (fresh.access_token === token.access_token) return response;
      return (await provider.fetchApi(fresh, address, init)).response;
    },
  };
  try {
    const given = await within(patienceMs, async () => {
      const answer = await signIn(at as SignInContext<never, never>);
      await apiTokens.finish();
      return answer;
    });
    return checked(given, inClaims);
  } catch (error) {
    const about = { iss: asked.iss, sub: asked.sub, name: nameIn(claims, asked.sub) };
    // An error of its own for each person: a site may well throw the same one for all of them.
    if (error instanceof AuthError && error.reason === 'not_admitted') {
      throw new AuthError('not_admitted', { cause: error, hint: error.hint, page: error.page, about });
    }
    const ours = error instanceof AuthError ? error.hint : undefined;
    const hint = ours
      ? `\`signIn\` in site.ts has called an API, and failed: ${ours}`
      : 'fix `signIn` in site.ts: the cause says what failed';
    throw new AuthError('admission_failed', { cause: error, hint, about });
  }
}

/**
 * The access tokens that `signIn` calls APIs with. Those of a sign-in go into the tokens that its session will have, so
 * none may be on its way when these are stored: a used refresh token among them would end the session.
 */
function tokensFor(context: AuthContext, session: string | undefined) {
  const onTheirWay = new Set<Promise<unknown>>();
  let isOver = false;
  return {
    get(user: HookUser, api: string, refused?: string): Promise<CallTokens> {
      if (isOver && context.apis.get(api)?.token)
        throw new Error(
          `\`signIn\` in site.ts had returned when it called the API '${api}': have it await its calls`,
        );
      const token = context.hookToken(context, user, api, refused);
      onTheirWay.add(token);
      return token;
    },
    async finish(): Promise<void> {
      // What a recheck gets is stored in the session at once.
      if (session !== undefined) return;
      isOver = true;
      await Promise.allSettled(onTheirWay);
    },
  };
}

/** Exactly what can be stored and read again: anything else would look different on the next page. */
function checked(given: unknown, inClaims: readonly string[]): Admission {
  if (given === undefined) return {};
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TypeError('it must return an object: { roles, member }, or nothing');
  }
  const { roles, member, ...more } = given as { roles?: unknown; member?: unknown };
  // Else a name with a typing error in it would leave everybody with the roles in their claims.
  const unknown = Object.keys(more).map((name) => `\`${name.slice(0, 40)}\``);
  if (unknown.length > 0) {
    throw new TypeError(
      `it returned ${unknown.slice(0, 5).join(', ')}: only \`roles\` and \`member\` are known`,
    );
  }
  if (roles !== undefined && !areRoles(roles, inClaims)) {
    throw new TypeError(
      `\`roles\` must be a list of at most ${mostRoles} texts of 1 to ${longestRole} characters, besides those in the claims`,
    );
  }
  return {
    ...(roles !== undefined && { roles: [...new Set(roles)] }),
    ...(member !== undefined && { member: asJson(member) }),
  };
}

/** Those in the claims are bounded with them. However many they are, a site may hand them on with its own. */
function areRoles(value: unknown, inClaims: readonly string[]): value is string[] {
  if (!Array.isArray(value) || value.length > mostRoles + inClaims.length) return false;
  const known = new Set(inClaims);
  // Holes too, which `every` passes over.
  const own = Array.from(value).filter((role) => !known.has(role));
  return (
    own.length <= mostRoles &&
    own.every((role) => typeof role === 'string' && role !== '' && role.length <= longestRole)
  );
}

function asJson(member: unknown): unknown {
  const text = JSON.stringify(member) as string | undefined;
  if (text !== undefined && Buffer.byteLength(text) > largestMember) {
    throw new TypeError(
      `\`member\` is larger than ${largestMember / 1024} KB: look the rest up where you need it`,
    );
  }
  const odd = text === undefined ? 'member' : whatIsNoJson(member, 'member');
  if (odd !== undefined || text === undefined) {
    throw new TypeError(
      `\`${odd}\` is not JSON: give texts, numbers, true, false, null, lists and plain objects`,
    );
  }
  return JSON.parse(text);
}

/** Where in a value something lies that would come back as something else, or not at all. */
function whatIsNoJson(value: unknown, path: string): string | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : path;
  if (Array.isArray(value))
    return firstOf(Array.from(value, (each, index) => whatIsNoJson(each, `${path}[${index}]`)));
  if (typeof value !== 'object') return path;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return path;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return firstOf(entries.map(([name, each]) => whatIsNoJson(each, `${path}.${name}`)));
}

function firstOf(found: readonly (string | undefined)[]): string | undefined {
  return found.find((each) => each !== undefined);
}
