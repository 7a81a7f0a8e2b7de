import type { ProviderConfig } from '../config/index.ts';
import { AuthError } from '../errors/auth-error.ts';
import { type Provider, withPublicAddresses } from '../provider/index.ts';
import { type Answer, ask, NoAnswer } from './ask.ts';
import { type Finding, failed, ok, said, warning } from './finding.ts';
import { checkForeign } from './foreign-endpoints.ts';
import { reasonIn, wordsOf } from './refusal.ts';
import type { Subject } from './subject.ts';
import { reachedAt, unanswered, wayOf } from './ways.ts';

/** The provider's metadata as it came, trusted in nothing. */
export type Metadata = Record<string, unknown>;

const dayMs = 86_400_000;

/** Is the provider there, by TLS, and on time? Its metadata, where it has any. */
export async function checkDiscovery({
  provider,
}: Subject): Promise<{ metadata?: Metadata; findings: Finding[] }> {
  const { issuer, clockToleranceSeconds } = provider;
  const address = new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  let answer: Answer;
  try {
    answer = await ask(address, { accept: 'application/json' }, provider);
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return { findings: unanswered(address, error, provider) };
  }
  const about = [checkTls(answer, reachedAt(address, provider)), checkClock(answer, clockToleranceSeconds)];
  const metadata = parse(answer);
  if (!metadata) return { findings: [noMetadata(answer, address), ...about] };
  const answers = ok('discovery', `${address.href} answers${wayOf(address, answer, provider)}.`);
  return { metadata: asTheAppReads(metadata, provider), findings: [answers, ...about] };
}

/** Without what names the internal address; where that cannot be, `checkIssuer` says so. */
function asTheAppReads(metadata: Metadata, provider: ProviderConfig): Metadata {
  try {
    return withPublicAddresses(metadata, provider);
  } catch {
    return metadata;
  }
}

/** The same checks that the app does before it believes the metadata. */
export async function checkIssuer(
  provider: Provider,
  metadata: Metadata,
  others: readonly ProviderConfig[],
): Promise<Finding> {
  try {
    const { issuer } = await provider.load();
    return ok('issuer', `is ${issuer}, exactly as in the metadata.`);
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    const { reason, hint = reason } = error;
    if (reason === 'discovery_issuer')
      return otherIssuer(provider.settings.issuer, String(metadata.issuer), hint);
    const foreign = checkForeign(metadata, others);
    if (foreign) return foreign;
    return failed(
      'discovery',
      `the metadata cannot be used: ${said(hint)}.`,
      'Have the provider fix it, or compare OIDC_ISSUER and OIDC_PAR with what it offers.',
    );
  }
}

function otherIssuer(expected: string, actual: string, hint: string): Finding {
  const [asked, named] = [URL.parse(expected), URL.parse(actual)];
  const path = (url: URL) => url.pathname.replace(/\/$/, '') + url.search;
  const differing = [
    asked?.protocol !== named?.protocol && 'scheme',
    asked?.hostname !== named?.hostname && 'host',
    asked?.port !== named?.port && 'port',
  ].filter((part) => part !== false);
  if (asked && named && differing.length > 0 && path(asked) === path(named)) {
    return failed(
      'issuer',
      `the provider identifies itself as ${said(actual)} when it is asked at ${expected}: the ${differing.join(' and ')} differs, the path is the same.`,
      `A provider behind a proxy that builds its address from the Host header needs Host and X-Forwarded-Proto from the proxy, or a fixed issuer (IssuerUri, SetIssuer, KC_HOSTNAME). If the address it names is the right one, set OIDC_ISSUER to it.`,
    );
  }
  return failed(
    'issuer',
    'is not the one in the settings.',
    `${said(`${hint.charAt(0).toUpperCase()}${hint.slice(1)}`)}.`,
  );
}

function noMetadata(answer: Answer, address: URL): Finding {
  const { status, headers } = answer;
  const { error, description } = reasonIn(answer);
  const why = error || description ? wordsOf({ error, description }) : '';
  if (headers.location && status >= 300 && status < 400) {
    return failed(
      'discovery',
      `${address.href} leads elsewhere (${status}).`,
      `Set OIDC_ISSUER to the address it leads to, without "/.well-known/…": ${said(headers.location)}`,
    );
  }
  const what =
    status === 200
      ? 'answers with something other than metadata'
      : `answers with status ${status}${why && ` (${why})`}`;
  if (/https required|http request .{0,20}https/i.test(answer.body.slice(0, 4_096))) {
    return failed(
      'discovery',
      `${address.href} ${what}.`,
      'Name the provider by its https address in OIDC_ISSUER.',
    );
  }
  return failed(
    'discovery',
    `${address.href} ${what}.`,
    'Copy OIDC_ISSUER from the provider: for Keycloak it ends in /realms/…, for Okta often in /oauth2/default.',
  );
}

function checkTls({ tls }: Answer, { host }: URL): Finding {
  if (!tls)
    return warning(
      'TLS',
      `${host} is reached over plain http, which is safe only on this machine or inside a closed network.`,
    );
  const daysLeft = Math.floor((tls.validUntil.getTime() - Date.now()) / dayMs);
  const until = tls.validUntil.toISOString().slice(0, 10);
  if (daysLeft < 14)
    return warning('TLS', `the certificate of ${host} expires on ${until}.`, 'Have it renewed.');
  return ok('TLS', `${tls.version}, and the certificate of ${host} is valid until ${until}.`);
}

function checkClock({ clockAhead }: Answer, tolerance: number): Finding {
  if (clockAhead === undefined)
    return warning('clock', 'the provider sends no Date header, so its clock could not be compared.');
  const away = Math.abs(clockAhead);
  const size = away >= 120 ? `${Math.round(away / 60)} min` : `${away} s`;
  const text = `the provider's clock is ${size} ${clockAhead > 0 ? 'ahead of' : 'behind'} this machine's`;
  // The header counts whole seconds.
  if (away <= 1) return ok('clock', "the provider's clock and this machine's agree.");
  if (away > tolerance)
    return failed(
      'clock',
      `${text}; up to ${tolerance} s are accepted.`,
      'Set the time of this machine by NTP.',
    );
  return ok('clock', `${text}, which is accepted.`);
}

function parse({ status, body }: Answer): Metadata | undefined {
  if (status !== 200) return undefined;
  try {
    const json: unknown = JSON.parse(body);
    return typeof json === 'object' && json !== null && 'issuer' in json ? (json as Metadata) : undefined;
  } catch {
    return undefined;
  }
}
