import http from 'node:http';
import https from 'node:https';
import { ProxyAgent, type ProxyEnv } from './proxy.ts';

/**
 * Idle connections are closed by us before most servers do it. Where a server announces its own limit
 * (`Keep-Alive: timeout=5`), Node goes by that, less a second.
 */
const kept = { keepAlive: true, timeout: 4_000 };
const fresh = { keepAlive: false };
/** A proxy that takes longer is said to be the one that does not answer, before the whole request is given up. */
const forTunnels = { timeout: 4_000 };

/** What may be asked again when its connection broke (RFC 9110 §9.2.1). */
const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

export function isSafe(method: string): boolean {
  return safeMethods.has(method);
}

/** How https connections are made. */
export interface Way {
  /** The certificate that we show. */
  tls?: { cert: string; key: string } | undefined;
  proxy?: ProxyEnv | undefined;
}

export type Agents = ReturnType<typeof createAgents>;

/**
 * Connections for safe requests are kept and used again: one that the server closes in that moment costs a second
 * request. Every other request gets a connection that nothing was sent on before. A server may close an idle one
 * whenever it likes, also as our request arrives, and we cannot know whether it was processed. A code or a refresh
 * token must not be sent again, as the provider would treat it as stolen (RFC 9700 §4.14.2), so the sign-in would
 * fail. This costs a sign-in one handshake; over TLS the handshake is a resumption, as each agent caches sessions.
 */
export function createAgents({ tls, proxy }: Way) {
  const overTls = (options: https.AgentOptions) =>
    proxy
      ? new ProxyAgent({ ...options, ...forTunnels, ...tls }, proxy)
      : new https.Agent({ ...options, ...tls });
  const agents = {
    'http:': { kept: new http.Agent(kept), fresh: new http.Agent(fresh) },
    'https:': { kept: overTls(kept), fresh: overTls(fresh) },
  };
  return {
    /** @param again the same request failed on a kept connection: the other ones may be just as dead */
    for({ protocol }: URL, method: string, again = false): http.Agent {
      const { kept, fresh } = agents[protocol === 'https:' ? 'https:' : 'http:'];
      return isSafe(method) && !again ? kept : fresh;
    },
    close() {
      for (const { kept, fresh } of Object.values(agents)) {
        kept.destroy();
        fresh.destroy();
      }
    },
  };
}
