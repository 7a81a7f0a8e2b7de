import { randomBytes } from 'node:crypto';
import { AuthError, type Provider } from '../auth/index.ts';
import type { Config } from '../config.ts';
import { type Answer, ask, NoAnswer } from './ask.ts';
import type { Metadata } from './discovery.ts';
import { type Finding, failed, ok, warning } from './finding.ts';

/** What the provider must know of this app, to copy into its registration. */
export function addressesToRegister({ baseUrl }: Config): Finding[] {
  return [
    ok('register as redirect address', `${baseUrl}/auth/callback`),
    ok('register as post-logout address', `${baseUrl}/signed-out`),
    ok('register as back-channel logout address', `${baseUrl}/auth/backchannel-logout`),
    ok('register as front-channel logout address', `${baseUrl}/auth/frontchannel-logout`),
  ];
}

/** What OAuth or HTTP said, wherever it stands in a chain of errors. */
interface Refusal {
  error?: string | undefined;
  status?: number | undefined;
  description?: string | undefined;
}

/**
 * Sends a code that cannot exist to the token endpoint, by the app's own way of proving who it is: a provider that
 * knows the app looks at the code (invalid_grant), one that does not stops before it (invalid_client).
 */
export async function checkClient(config: Config, provider: Provider, metadata: Metadata): Promise<Finding> {
  const check = 'client authentication';
  const { clientAuth, clientId } = config.provider;
  const request = transaction();
  const callback = new URL(`${config.baseUrl}/auth/callback`);
  callback.searchParams.set('code', `doctor-${random()}`);
  callback.searchParams.set('state', request.state);
  if (metadata.authorization_response_iss_parameter_supported) {
    callback.searchParams.set('iss', String(metadata.issuer));
  }
  try {
    await provider.finishSignIn(callback, request);
    return failed(check, 'a code that does not exist was accepted.', 'Do not trust this provider.');
  } catch (thrown) {
    if (!(thrown instanceof AuthError)) throw thrown;
    const { error, status } = refusalIn(thrown);
    if (error === 'invalid_grant')
      return ok(check, `${clientAuth} is accepted: the provider knows ${clientId}.`);
    if (status === 401 || error === 'invalid_client' || error === 'unauthorized_client') {
      return failed(
        check,
        `the provider refuses ${clientId} by ${clientAuth} (${error ?? status}).`,
        clientHint(config),
      );
    }
    if (thrown.reason === 'provider_unreachable') {
      return failed(
        check,
        'the token endpoint does not answer.',
        'Check that a firewall lets this machine reach it.',
      );
    }
    return warning(
      check,
      `cannot be told: a code that cannot exist was answered with ${error ?? thrown.hint ?? thrown.reason}.`,
      'Sign in once to see.',
    );
  }
}

function clientHint({ provider: { clientAuth } }: Config): string {
  if (clientAuth.startsWith('client_secret_')) {
    return 'Check OIDC_CLIENT_ID, copy OIDC_CLIENT_SECRET again, and compare OIDC_CLIENT_AUTH with the registration.';
  }
  return clientAuth === 'private_key_jwt'
    ? 'Register the public part of the key in OIDC_CLIENT_KEY_FILE at the provider, and check OIDC_CLIENT_ID.'
    : 'Register the certificate in OIDC_CLIENT_CERT_FILE at the provider, and check OIDC_CLIENT_ID.';
}

/**
 * Starts a sign-in that nobody ends. With PAR the provider says whether it takes the redirect address; without, what
 * it does with our address is compared with what it does with one that cannot be registered.
 */
export async function checkRedirectAddress(config: Config, provider: Provider): Promise<Finding> {
  const check = 'redirect address';
  const ours = `${config.baseUrl}/auth/callback`;
  const hint = `Register exactly this redirect address: ${ours}`;
  let url: URL;
  try {
    url = await provider.authorizationUrl(transaction());
  } catch (thrown) {
    if (!(thrown instanceof AuthError)) throw thrown;
    const { error, status, description = '' } = refusalIn(thrown);
    if (/redirect/i.test(`${error} ${description}`)) return failed(check, 'the provider refuses it.', hint);
    const said = error ?? status ?? thrown.hint ?? thrown.reason;
    return warning(check, `cannot be told: the pushed request was refused (${said}).`, 'Fix that first.');
  }
  if (url.searchParams.has('request_uri')) return ok(check, `the provider takes ${ours}.`);

  const control = new URL(url);
  control.searchParams.set('redirect_uri', `https://${random()}.invalid/auth/callback`);
  const [real, other] = await Promise.all([reaction(url), reaction(control)]).catch((error) => {
    if (error instanceof NoAnswer) return [];
    throw error;
  });
  if (!real || !other) return warning(check, 'cannot be told: the authorization endpoint does not answer.');
  const back = real.headers.location;
  if (back?.startsWith(ours)) {
    const error = new URL(back).searchParams.get('error');
    if (!error) return ok(check, `the provider takes ${ours}.`);
    return failed(check, `is taken, but the request is refused (${error}).`, requestHint(error));
  }
  if (real.status >= 400 || isErrorPage(back)) return failed(check, `the provider refuses ${ours}.`, hint);
  if (other.status >= 400 || isErrorPage(other.headers.location))
    return ok(check, `the provider takes ${ours}.`);
  return warning(check, 'cannot be told from outside: the provider asks who it is first.', hint);
}

function requestHint(error: string): string {
  if (error === 'invalid_scope') return 'Take out of OIDC_SCOPE what the provider does not offer.';
  if (error === 'unauthorized_client')
    return 'Allow the authorization code grant for this app at the provider.';
  return 'Compare OIDC_SCOPE, OIDC_RESOURCE and OIDC_PROMPT with what the provider offers.';
}

/** As a browser opens it. */
function reaction(url: URL): Promise<Answer> {
  return ask(url, { accept: 'text/html', 'user-agent': 'Mozilla/5.0 (doctor)' });
}

function isErrorPage(location: string | undefined): boolean {
  return location !== undefined && /error/i.test(location);
}

function refusalIn(thrown: unknown): Refusal {
  for (
    let link = thrown as Record<string, unknown> | undefined;
    link instanceof Error;
    link = link.cause as never
  ) {
    const { error, status, error_description, response } = link as unknown as Record<string, unknown>;
    // The status of an AuthError is that of our own page.
    if (link instanceof AuthError || (error === undefined && !(response instanceof Response))) continue;
    return {
      error: typeof error === 'string' ? error : undefined,
      status: response instanceof Response ? response.status : Number(status),
      description: String(error_description ?? ''),
    };
  }
  return {};
}

function transaction() {
  return { state: random(), nonce: random(), code_verifier: randomBytes(32).toString('base64url') };
}

function random(): string {
  return randomBytes(16).toString('hex');
}
