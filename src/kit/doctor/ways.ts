import { isIP } from 'node:net';
import type { ProviderConfig } from '../config/index.ts';
import { routeOf } from '../provider/index.ts';
import { type Answer, connectionHint, isTlsFault, type NoAnswer } from './ask.ts';
import { type Finding, failed, ok, warning } from './finding.ts';

// By which way the provider is reached: straight on, at an internal address, through a proxy.

/** Where a request for this address goes to. */
export function reachedAt(address: URL, provider: ProviderConfig): URL {
  return routeOf(address, provider).url;
}

/** How an answer came, to be added to a sentence; nothing where there is only one way. */
export function wayOf(address: URL, { proxied }: Pick<Answer, 'proxied'>, provider: ProviderConfig): string {
  const { url, internal } = routeOf(address, provider);
  const at = internal ? ` at ${url.origin} (OIDC_INTERNAL_URL) with the Host header ${address.host}` : '';
  if (!provider.proxy) return at;
  if (proxied) return `${at} through the proxy of HTTPS_PROXY`;
  return url.protocol === 'https:'
    ? `${at} without the proxy of HTTPS_PROXY, as NO_PROXY says`
    : `${at} without the proxy of HTTPS_PROXY, as plain http never goes through it`;
}

/** Nobody answered at the provider's address. */
export function unanswered(address: URL, { code, hint }: NoAnswer, provider: ProviderConfig): Finding[] {
  const { url, internal } = routeOf(address, provider);
  const where = internal ? `${url.host} (OIDC_INTERNAL_URL)` : address.host;
  if (hint !== undefined) return [failed('discovery', `there is no way to ${where} (${code}).`, hint)];
  const setting = internal ? 'OIDC_INTERNAL_URL' : 'OIDC_ISSUER';
  const unknown = !internal && /^(ENOTFOUND|EAI_AGAIN)$/.test(code);
  const elsewhere = unknown
    ? ' If only users know it and this server reaches the provider elsewhere, set OIDC_INTERNAL_URL.'
    : '';
  const what = `${connectionHint(code, setting)}${elsewhere}`;
  const findings = [failed('discovery', `${where} does not answer (${code}).`, what)];
  if (isTlsFault(code)) findings.push(failed('TLS', `the certificate of ${where} is refused.`, what));
  return findings;
}

/** What the settings say of the ways. */
export function* checkWays({ issuer, internalUrl, proxy }: ProviderConfig): Generator<Finding> {
  if (internalUrl?.startsWith('http:')) {
    yield warning(
      'internal address',
      `requests for ${new URL(issuer).origin} go to ${internalUrl} by plain http, so tokens and the client secret can be read on the way.`,
      'Use https there unless nobody else can read that network.',
    );
  } else if (internalUrl) {
    yield ok('internal address', `requests for ${new URL(issuer).origin} go to ${internalUrl}.`);
  }
  const unread = (proxy?.no_proxy ?? '').split(',').filter(isNoForm);
  if (unread.length > 0) {
    yield warning(
      'NO_PROXY',
      `Node does not understand ${unread.map((each) => each.trim()).join(', ')}, so these hosts are reached through the proxy.`,
      'Write a range as 10.0.0.0-10.255.255.255, and one entry for each host, with commas between them.',
    );
  }
}

/** A network (10.0.0.0/8), a range of IPv6 addresses, or several hosts with blanks between them. */
function isNoForm(entry: string): boolean {
  const [first = ''] = entry.trim().split('/');
  return entry.includes('/') || /\S\s+\S/.test(entry.replaceAll(/\s*-\s*/g, '-')) || isRangeOfIpv6(first);
}

function isRangeOfIpv6(entry: string): boolean {
  const ends = entry.split('-');
  return ends.length === 2 && ends.every((end) => isIP(end.trim()) === 6);
}
