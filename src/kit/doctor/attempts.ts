import { randomBytes } from 'node:crypto';
import pino from 'pino';
import type { ProviderConfig } from '../config/index.ts';
import { AuthError } from '../errors/auth-error.ts';
import { createProvider, type Provider, unverifiedClaims } from '../provider/index.ts';
import { otherOrigins, redirectUri as redirectUriOf } from '../provider/providers.ts';
import { type Answer, ask, NoAnswer } from './ask.ts';
import type { Metadata } from './discovery.ts';
import { type Refusal, reasonIn, refusalIn } from './refusal.ts';
import type { Subject } from './subject.ts';

// What the doctor tries at the provider, by the app's own code and with settings that may differ from the app's.

export function redirectAddress({ baseUrl, provider }: Subject): string {
  return redirectUriOf(baseUrl, provider);
}

/** What came of an attempt. */
export interface Outcome extends Refusal {
  /** `silent`: nobody answered, or not in time. */
  state: 'passed' | 'refused' | 'silent';
  /** The system's code of a connection that failed, or an alert of TLS. */
  code?: string | undefined;
}

export interface SignInOutcome extends Outcome {
  /** Where it was refused: at the pushed request, or where the browser is sent to. */
  at?: 'push' | 'page';
  /** The pushed request was taken (RFC 9126). */
  pushed?: boolean;
  /** The answer went to our redirect address, so the provider knows it. */
  cameBack?: boolean;
  /** There in the address, and the request that it answers. */
  answer?: AnsweredRequest;
}

/** An answer at our redirect address, and the request that it is for. */
interface AnsweredRequest {
  address: URL;
  request: ReturnType<typeof transaction>;
}

/** What a sign-in asks for because of the site's APIs. */
type AskedForApis = { scope: string; resources: readonly string[] };

/**
 * Starts a sign-in that nobody ends: pushes the request where the app would, and opens the address once as a browser
 * does, without following where it leads.
 */
export async function startSignIn(
  config: Subject,
  settings: ProviderConfig,
  redirectUri = redirectAddress(config),
  forApis: AskedForApis = { scope: '', resources: [] },
): Promise<SignInOutcome> {
  const request = transaction();
  const url = await withProvider(config, settings, redirectUri, (provider) =>
    provider.authorizationUrl({ ...request, forApis }),
  ).catch(toOutcome);
  if (!(url instanceof URL)) return { ...url, at: 'push' };
  try {
    const pushed = url.searchParams.has('request_uri');
    const page = await openAsBrowser(url, settings);
    const address = answerTo(redirectUri, page);
    const judged = judgePage(page, redirectUri, address);
    return { ...judged, ...(address && { answer: { address, request } }), at: 'page', pushed };
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return { state: 'silent', code: error.code, at: 'page' };
  }
}

/** Pushes a request only (RFC 9126), which shows whether the provider knows this client. */
export function push(config: Subject, settings: ProviderConfig): Promise<Outcome> {
  return withProvider(config, settings, redirectAddress(config), async (provider): Promise<Outcome> => {
    await provider.authorizationUrl(transaction());
    return { state: 'passed' };
  }).catch(toOutcome);
}

/** Sends a code that cannot exist to the token endpoint, by the app's own way of proving who it is. */
export function exchangeCode(
  config: Subject,
  settings: ProviderConfig,
  metadata: Metadata,
): Promise<Outcome> {
  const request = transaction();
  // A code that was made up: nobody but the provider could put it into a signed answer.
  const plain = { ...settings, responseMode: 'query' as const };
  const callback = new URL(redirectAddress(config));
  callback.searchParams.set('code', `doctor-${random()}`);
  callback.searchParams.set('state', request.state);
  if (metadata.authorization_response_iss_parameter_supported) {
    callback.searchParams.set('iss', String(metadata.issuer));
  }
  return withProvider(config, plain, redirectAddress(config), async (provider): Promise<Outcome> => {
    await provider.redeemCode(callback, request);
    return { state: 'passed' };
  }).catch(toOutcome);
}

/** Has the app's own code verify a signed answer (JARM); returns what is wrong with it, in its words. */
export async function openAnswer(
  config: Subject,
  settings: ProviderConfig,
  { address, request }: AnsweredRequest,
): Promise<string | undefined> {
  return withProvider(config, settings, redirectAddress(config), async (provider) => {
    try {
      await provider.redeemCode(address, request);
      return undefined;
    } catch (error) {
      if (!(error instanceof AuthError)) throw error;
      // Any other failure is what the verified answer says, which is not asked here.
      const { reason, hint = reason } = error;
      return /^(answer_invalid|issuer_mismatch|clock)$/.test(reason) ? hint : undefined;
    }
  });
}

/** As a browser without cookies opens it, but on the server's way to the provider. @throws NoAnswer */
export function openAsBrowser(url: URL, settings: ProviderConfig): Promise<Answer> {
  return ask(url, { accept: 'text/html', 'user-agent': 'Mozilla/5.0 (doctor)' }, settings);
}

/** Whether an answer is a page about an error, or leads to one. */
export function isRefusal({ status, headers }: Answer, asked: URL): boolean {
  if (status >= 400) return true;
  const to = URL.parse(headers.location ?? '', asked.href);
  // IdentityServer: /home/error?errorId=…; Google: /signin/oauth/error?authError=…
  const says = (name: string) => /^(auth_?)?error(_?(id|code))?$/i.test(name);
  return to !== null && (/error/i.test(to.pathname) || [...to.searchParams.keys()].some(says));
}

export function random(): string {
  return randomBytes(16).toString('hex');
}

function answerTo(redirectUri: string, { headers }: Answer): URL | undefined {
  const { location } = headers;
  return (location?.startsWith(redirectUri) && URL.parse(location)) || undefined;
}

function judgePage(answer: Answer, redirectUri: string, address: URL | undefined): SignInOutcome {
  const back = address ? withinResponse(address.searchParams) : formTo(redirectUri, answer.body);
  if (back) {
    const [error, description] = [back.get('error'), back.get('error_description')];
    if (error === null) return { state: 'passed', cameBack: true };
    return { state: 'refused', cameBack: true, error, ...(description && { description }) };
  }
  if (!isRefusal(answer, new URL(redirectUri))) return { state: 'passed' };
  const { status, headers } = answer;
  if (status >= 400) return { state: 'refused', ...reasonIn(answer) };
  const led = URL.parse(headers.location ?? '', redirectUri)?.searchParams;
  const [error, description] = [led?.get('error'), led?.get('error_description')];
  return { state: 'refused', status, ...(error && { error }), ...(description && { description }) };
}

/** What an answer says, where it is a JWT (JARM): what that says. */
function withinResponse(answer: URLSearchParams): URLSearchParams {
  const response = answer.get('response');
  if (response === null) return answer;
  const texts = Object.entries(unverifiedClaims(response)).filter(([, value]) => typeof value === 'string');
  return new URLSearchParams(texts as [string, string][]);
}

/** The fields of a form that the browser would send to us (response_mode form_post). */
function formTo(redirectUri: string, body: string): URLSearchParams | undefined {
  const page = body.slice(0, 65_536);
  if (!page.includes(`"${redirectUri}"`)) return undefined;
  const inputs = page.match(/<input\b[^<>]*>/gi) ?? [];
  const attribute = (input: string, name: string) =>
    new RegExp(`\\s${name}\\s{0,9}=\\s{0,9}["']([^"']*)`, 'i').exec(input)?.[1] ?? '';
  return new URLSearchParams(inputs.map((input) => [attribute(input, 'name'), attribute(input, 'value')]));
}

async function withProvider<T>(
  { providers }: Subject,
  settings: ProviderConfig,
  redirectUri: string,
  run: (provider: Provider) => Promise<T>,
): Promise<T> {
  const log = pino({ level: 'silent' });
  const context = { redirectUri, otherOrigins: otherOrigins(settings, providers), log, audit: () => {} };
  const provider = createProvider(settings, context);
  try {
    return await run(provider);
  } finally {
    provider.close();
  }
}

async function toOutcome(thrown: unknown): Promise<Outcome> {
  if (!(thrown instanceof AuthError)) throw thrown;
  if (thrown.reason === 'provider_unreachable') return { state: 'silent', code: codeIn(thrown) };
  const refusal = await refusalIn(thrown);
  // Without an answer that says why, our own words for what was wrong with it.
  const wordless = Object.keys(refusal).length === 0;
  return { state: 'refused', ...(wordless ? { description: thrown.hint ?? thrown.reason } : refusal) };
}

function codeIn(thrown: Error): string | undefined {
  for (let link: unknown = thrown; link instanceof Error; link = link.cause) {
    const { code } = link as { code?: unknown };
    if (typeof code === 'string') return code;
  }
  return undefined;
}

function transaction() {
  return { state: random(), nonce: random(), code_verifier: randomBytes(32).toString('base64url') };
}
