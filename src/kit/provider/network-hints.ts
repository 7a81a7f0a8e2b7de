// Why a server does not answer, as far as the connection's error shows it, and what to set.

import { isUnknownCa, nameTheCa } from '../errors/unknown-ca.ts';
import type { Route } from './internal-address.ts';
import { ProxyFailure } from './proxy.ts';

/** The other end closed a kept connection just as we used it. */
export function wasClosedMeanwhile({ reusedSocket, code }: NetworkError): boolean {
  return reusedSocket === true && /^(ECONNRESET|EPIPE)$/.test(String(code));
}

/**
 * Why a request got no answer, and what to set.
 *
 * @param setting what says where the server is; left out, OIDC_ISSUER
 */
export function connectionHint(
  error: unknown,
  { url, internal }: Route,
  { ownCertificate, setting }: { ownCertificate: boolean; setting: string | undefined },
): string | undefined {
  if (error instanceof ProxyFailure) return error.hint;
  return networkHint(error as NetworkError, url, ownCertificate, internal ? 'OIDC_INTERNAL_URL' : setting);
}

interface NetworkError {
  code?: unknown;
  message?: unknown;
  reusedSocket?: boolean;
}

/** How OpenSSL names an answer that is not TLS. */
const noTls = /wrong.version.number|packet.length.too.long|http.request|unknown.protocol/i;
/** Those of a TLS alert about our certificate, or that there is none. */
const refusedCertificate =
  /alert.(?:unknown.ca|(?:bad|unsupported).certificate|certificate.\w+|no.certificate|handshake.failure|access.denied)/i;

/**
 * @param url what was asked
 * @param ownCertificate whether we showed one (RFC 8705)
 * @param setting what says where it is
 */
export function networkHint(
  error: NetworkError,
  url: URL,
  ownCertificate: boolean,
  setting = 'OIDC_ISSUER',
): string | undefined {
  const hint = hintOf(error, url, ownCertificate, setting);
  if (setting === 'OIDC_ISSUER' || hint?.includes(setting)) return hint;
  return `${hint ?? `${url.host} does not answer`}: check ${setting}`;
}

function hintOf(error: NetworkError, url: URL, ownCertificate: boolean, setting: string): string | undefined {
  const { host, hostname, protocol } = url;
  const code = typeof error.code === 'string' ? error.code : '';
  const words = `${code} ${String(error.message).slice(0, 500)}`.replaceAll('_', ' ');
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `the name ${hostname} is not known here: check ${setting} and the DNS of this machine`;
  if (code === 'ECONNREFUSED') return `nothing is listening at ${host}`;
  if (protocol === 'https:') return tlsHint(code, words, host, ownCertificate);
  if (code.startsWith('HPE_') || (code === 'ECONNRESET' && !error.reusedSocket))
    return `${host} closed the connection without an answer in HTTP: if it speaks https, its address must begin with https://`;
  return undefined;
}

function tlsHint(code: string, words: string, host: string, ownCertificate: boolean): string | undefined {
  if (isUnknownCa(code))
    return `the certificate of ${host} comes from a CA that is not trusted here (${code}): ${nameTheCa}`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `the certificate of ${host} is for another name`;
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return `the certificate of ${host} is not valid now (${code}): it must be renewed, or a clock is off`;
  if (noTls.test(words))
    return `${host} speaks plain http where https was expected: correct the scheme of its address, or put TLS in front of it`;
  if (refusedCertificate.test(words))
    return ownCertificate
      ? `${host} refuses the client certificate: it does not know the CA of OIDC_CLIENT_CERT_FILE, or the certificate has expired`
      : `${host} requires a client certificate: set OIDC_CLIENT_AUTH=tls_client_auth, or with private_key_jwt OIDC_CERTIFICATE_BOUND_TOKENS=true, or use an address that requires none`;
  if (code === 'ECONNRESET' && ownCertificate)
    return `${host} closed the connection after it saw the client certificate: it may not know the CA of OIDC_CLIENT_CERT_FILE, or the certificate has expired`;
  return undefined;
}
