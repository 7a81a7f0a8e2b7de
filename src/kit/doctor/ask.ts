import http from 'node:http';
import https from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { ProviderConfig } from '../config/index.ts';
import { nameTheCa } from '../errors/unknown-ca.ts';
import { createAgents, isTunnel, ProxyFailure, type Route, routeOf } from '../provider/index.ts';

const timeoutMs = 5_000;
const longest = 1024 * 1024;

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
  /** Seconds that the other side's clock is ahead of ours, by its Date header. */
  clockAhead: number | undefined;
  tls: { version: string; validUntil: Date } | undefined;
  /** It came through the proxy of HTTPS_PROXY. */
  proxied: boolean;
}

/** The other side did not answer. `code` is the system's, such as ECONNREFUSED. */
export class NoAnswer extends Error {
  override name = 'NoAnswer';
  readonly code: string;
  /** What to do, where the proxy is to blame. */
  readonly hint: string | undefined;

  constructor(code: string, hint?: string) {
    super(code);
    this.code = code;
    this.hint = hint;
  }
}

/**
 * Asks once, on a connection of its own, and follows no redirect.
 *
 * @param provider whose ways are gone: by its internal address and through the proxy
 * @throws NoAnswer
 */
export function ask(
  url: URL,
  headers: Record<string, string> = {},
  provider?: ProviderConfig,
): Promise<Answer> {
  const way: Partial<Route> & { url: URL } = provider ? routeOf(url, provider) : { url };
  const agent = provider ? createAgents({ proxy: provider.proxy }).for(way.url, 'POST') : false;
  const { servername } = way;
  const { get } = way.url.protocol === 'https:' ? https : http;
  const askedAt = Date.now();
  return new Promise((resolve, reject) => {
    const sent = { accept: '*/*', ...headers, ...way.headers };
    const request = get(way.url, { agent, servername, headers: sent }, (response) => {
      const proxied = isTunnel(response.socket);
      const tls = tlsOf(response.socket as TLSSocket);
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size <= longest) chunks.push(chunk);
        else request.destroy(new NoAnswer('an answer without end'));
      });
      response.on('error', refuse);
      response.on('end', () => {
        clearTimeout(timer);
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
          clockAhead: clockAhead(response.headers, (askedAt + Date.now()) / 2),
          tls,
          proxied,
        });
      });
    });
    const timer = setTimeout(() => {
      request.destroy();
      refuse(new NoAnswer('ETIMEDOUT'));
    }, timeoutMs);
    request.on('error', refuse);
    // Nobody asked for another protocol. Without a listener Node drops the connection, and no event tells.
    request.on('upgrade', (response, socket) => {
      socket.destroy();
      refuse(new NoAnswer(`it answered ${response.statusCode}`));
    });

    function refuse(error: NodeJS.ErrnoException): void {
      clearTimeout(timer);
      if (error instanceof ProxyFailure) reject(new NoAnswer(error.code, toSentence(error.hint)));
      else reject(error instanceof NoAnswer ? error : new NoAnswer(error.code ?? error.message));
    }
  });
}

function toSentence(hint: string): string {
  return `${hint.charAt(0).toUpperCase()}${hint.slice(1)}.`;
}

function tlsOf(socket: TLSSocket): Answer['tls'] {
  if (!socket.encrypted) return undefined;
  const { valid_to } = socket.getPeerCertificate();
  return { version: socket.getProtocol() ?? 'TLS', validUntil: new Date(valid_to) };
}

/** A cache in between answers with the Date of long ago, and says how long (RFC 9111 §4.2.3). */
function clockAhead({ date, age }: http.IncomingHttpHeaders, now: number): number | undefined {
  const then = Date.parse(date ?? '');
  return Number.isNaN(then) ? undefined : Math.round((then + Number(age ?? 0) * 1000 - now) / 1000);
}

/** What to do about a connection that did not come to be. */
export function connectionHint(code: string, setting: string): string {
  if (/^(ENOTFOUND|EAI_AGAIN)$/.test(code))
    return `This host name is not known here: check ${setting} and the DNS of this machine.`;
  if (code === 'ECONNREFUSED') return `Nothing is listening there: check ${setting}, or start it.`;
  if (code === 'CERT_HAS_EXPIRED')
    return 'Its certificate is not valid now: it must be renewed, or a clock is off.';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `Its certificate is for another name: check ${setting}, or the certificate.`;
  if (isPlain(code))
    return `It speaks plain http where https was expected, or another version of TLS: correct the scheme in ${setting}, or put TLS in front of it.`;
  if (isTrust(code))
    return `Its certificate comes from a CA that is not trusted here: ${nameTheCa}, or have the server send the whole chain.`;
  return `Check ${setting}, and that a firewall or proxy lets this machine through.`;
}

function isTrust(code: string): boolean {
  return /SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|CERT_UNTRUSTED/.test(code);
}

/** Whether somebody is there whose certificate is not in order. */
export function isTlsFault(code: string): boolean {
  return isTrust(code) || (/CERT|^ERR_(SSL|TLS)|EPROTO/.test(code) && !isPlain(code));
}

/** Whether somebody is there who speaks plain http where TLS was expected. */
export function isPlain(code: string): boolean {
  return /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|EPROTO/.test(code);
}
