import type http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';

/** Node's names for the proxy of https requests. Only these are handed over: plain http goes through none. */
export interface ProxyEnv {
  https_proxy: string;
  no_proxy?: string | undefined;
}

/**
 * Of a request: told of the connection that is being opened for it. While a proxy is at that, Node has not given it to
 * the request, so who gives the request up has to close it.
 */
export const opening = Symbol('opening');

type Opening = { [opening]?: ((connection: Duplex) => void) | undefined };

type Callback = NonNullable<Parameters<https.Agent['createConnection']>[1]>;

const tunnels = new WeakSet<object>();

/** Whether a connection goes through a proxy. */
export function isTunnel(socket: object): boolean {
  return tunnels.has(socket);
}

/**
 * The proxy did not open a connection. It stands for Node's own error, which quotes the proxy's address and its answer:
 * both can hold the password, so neither may get into a log (R20).
 */
export class ProxyFailure extends Error {
  override name = 'ProxyFailure';
  readonly code: string;
  readonly hint: string;

  constructor(
    target: string,
    error: NodeJS.ErrnoException & { statusCode?: unknown },
    withPassword: boolean,
  ) {
    const code = /^[A-Z][A-Z\d_]{1,60}$/.test(String(error.code)) ? String(error.code) : 'no code';
    const status = Number(error.statusCode) || undefined;
    super(`the proxy of HTTPS_PROXY opened no connection to ${target} (${status ?? code})`);
    this.code = code;
    this.hint =
      status === undefined ? brokenHint(error, code, target) : refusedHint(status, target, withPassword);
  }
}

const besides = 'or name the host in NO_PROXY if it can be reached without';

function refusedHint(status: number, target: string, withPassword: boolean): string {
  if (status === 407)
    return withPassword
      ? 'the proxy of HTTPS_PROXY does not accept the user name and password in it (407): correct them; special characters are written as in %40'
      : 'the proxy of HTTPS_PROXY asks for a user name and a password (407): write them into it, as in http://user:password@host:port';
  if (status === 403 || status === 401)
    return `the proxy of HTTPS_PROXY refuses connections to ${target} (${status}): allow them there, ${besides}`;
  if (status >= 500)
    return `the proxy of HTTPS_PROXY cannot reach ${target} (${status}): check that address and the proxy, ${besides}`;
  return `the proxy of HTTPS_PROXY answered ${status} for ${target}: check that HTTPS_PROXY names a proxy, ${besides}`;
}

function brokenHint(error: object, code: string, target: string): string {
  if ('proxyTunnelTimeout' in error)
    return `the proxy of HTTPS_PROXY opened no connection to ${target} in time: check HTTPS_PROXY and the proxy, ${besides}`;
  if (/CERT|SELF_SIGNED|UNABLE_TO/.test(code))
    return `the certificate of the proxy of HTTPS_PROXY is not trusted here (${code}): name the file with its CA's certificate in EXTRA_CA_FILE, or correct the address`;
  if (/SSL|TLS|EPROTO/.test(code))
    return `the proxy of HTTPS_PROXY speaks no TLS (${code}): its address must begin with http://`;
  return `the proxy of HTTPS_PROXY does not answer (${code}): check HTTPS_PROXY and that the proxy is there, ${besides}`;
}

/** An https agent whose connections go through a proxy, by Node's own rules. */
export class ProxyAgent extends https.Agent {
  readonly #withPassword: boolean;

  constructor(options: https.AgentOptions, proxyEnv: ProxyEnv) {
    super({ ...options, proxyEnv: { ...proxyEnv } });
    const { username, password } = new URL(proxyEnv.https_proxy);
    this.#withPassword = username + password !== '';
  }

  /** Node calls back only where a proxy is in between: with the connection, or with what failed at either. */
  override createConnection(
    options: http.ClientRequestArgs & Opening,
    callback?: Callback,
  ): Duplex | null | undefined {
    const toProxy = super.createConnection(options, (error, socket) => {
      // With the inner connection it was the other side that failed.
      if (!error || socket !== toProxy) {
        if (socket) tunnels.add(socket);
        callback?.(error, socket);
        return;
      }
      socket.destroy();
      const target = `${options.host}:${options.port ?? 443}`;
      callback?.(new ProxyFailure(target, error, this.#withPassword), socket);
    });
    if (toProxy) options[opening]?.(toProxy);
    return toProxy;
  }
}
