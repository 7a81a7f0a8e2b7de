import * as oidc from 'openid-client';
import type { Log } from '../../log.ts';
import { clientAuthentication } from './client-authentication.ts';
import { type Clock, refusal, toAuthError } from './failures.ts';
import { createProviderFetch, type ProviderCall, type ProviderFetch } from './fetch.ts';
import { ProviderHealth } from './health.ts';
import { peek } from './id-token-checks.ts';
import { ProviderKeys } from './keys.ts';
import { checkMetadata, isTenantTemplate, type Metadata, tenantIssuer } from './metadata.ts';
import { keysOfIssuer } from './quirks.ts';
import { Refreshing } from './refreshing.ts';
import type { ConnectionContext, ProviderSettings } from './settings.ts';

const discoveryMaxAgeMs = 10 * 60_000;

/** One exchange with the provider. What it verifies with and how it authenticates stand in the configuration. */
export type Run<T> = (
  configuration: oidc.Configuration,
  dpop: { DPoP?: oidc.DPoPHandle },
  metadata: Metadata,
) => Promise<T>;

/**
 * The line to the provider: metadata and keys, each cached and refreshed (R21), client authentication, and `call`,
 * through which every request to it goes.
 */
export class ProviderConnection {
  readonly settings: ProviderSettings;
  readonly health: ProviderHealth;
  readonly keys: ProviderKeys;
  readonly discovered: Refreshing<Metadata>;
  /** For calls to an API: whether that answers says nothing about the provider. */
  readonly apiFetch: ProviderFetch;
  readonly #log: Log;
  readonly #mutualTls: boolean;
  readonly #clientAuths: Promise<oidc.ClientAuth[]>;
  readonly #fetch: ProviderFetch;
  readonly #closeAll: () => void;
  readonly #refreshTimer: NodeJS.Timeout;

  constructor(settings: ProviderSettings, context: ConnectionContext) {
    this.settings = settings;
    this.#log = context.log;
    this.health = new ProviderHealth(context.audit, settings.issuer);
    this.#mutualTls = settings.clientAuth.endsWith('tls_client_auth');
    const tls = this.#mutualTls
      ? { cert: settings.clientCert ?? '', key: settings.clientKeys[0]?.pem ?? '' }
      : undefined;
    const observe = (call: ProviderCall) => {
      this.health.observe(call);
      context.onCall?.(call);
    };
    const { fetch, close } = createProviderFetch({ tls, observe });
    this.#fetch = fetch;
    const api = createProviderFetch({ tls });
    this.apiFetch = api.fetch;
    this.#closeAll = () => {
      close();
      api.close();
    };
    this.#clientAuths = clientAuthentication(settings);
    this.discovered = new Refreshing(() => this.#discover(), discoveryMaxAgeMs);
    this.keys = new ProviderKeys(async () => (await this.discovered.get()).jwks_uri, fetch);
    this.#refreshTimer = setInterval(
      () => this.discovered.refresh().catch(() => {}),
      discoveryMaxAgeMs,
    ).unref();
  }

  /** How far the provider's clock is from ours. */
  clock(): Clock {
    return { drift: this.health.clockDrift, tolerance: this.settings.clockToleranceSeconds };
  }

  close(): void {
    clearInterval(this.#refreshTimer);
    this.#closeAll();
  }

  /**
   * Runs a call with a configuration of its own, so that the keys it verifies with are those at hand when the
   * answer has come. A second client key is tried where the provider does not know the first (rotation).
   */
  async call<T>(run: Run<T>, dpopKey?: oidc.CryptoKeyPair): Promise<T> {
    const metadata = await this.discovered.get();
    const clientAuths = await this.#clientAuths;
    for (const [index, clientAuth] of clientAuths.entries()) {
      try {
        return await this.#attempt(run, metadata, clientAuth, dpopKey);
      } catch (error) {
        const unknownKey = refusal(error) === 'invalid_client' && index < clientAuths.length - 1;
        if (!unknownKey) throw error;
        this.#log.warn('the provider does not accept the first client key; trying the next');
      }
    }
    throw new Error('there is no client authentication');
  }

  async #attempt<T>(
    run: Run<T>,
    metadata: Metadata,
    clientAuth: oidc.ClientAuth,
    dpopKey?: oidc.CryptoKeyPair,
  ): Promise<T> {
    // A multi-tenant issuer is known only when the token has come: then the call runs again, on the same answer.
    let answered: { issuer: string; response: Response } | undefined;
    let { issuer } = metadata;
    const customFetch: ProviderFetch = async (url, init) => {
      if (url === metadata.jwks_uri) return Response.json(keysOfIssuer(await this.keys.get(), issuer));
      if (answered && init.method === 'POST') return answered.response;
      const response = await this.#fetch(url, init);
      if (init.method !== 'POST' || response.status !== 200) return response;
      const body = await response.text();
      const idToken = idTokenIn(body);
      const copy = new Response(body, response);
      if (!idToken) return copy;
      const { kid, tid } = peek(idToken);
      await this.keys.ensure(kid, true);
      if (!isTenantTemplate(metadata)) return copy;
      answered = { issuer: tenantIssuer(metadata, tid, this.settings.allowedTenants), response: copy };
      throw new Error('run again with the tenant that the token names');
    };
    const once = (name: string) => {
      issuer = name;
      const configuration = this.#configure({ ...metadata, issuer }, clientAuth, customFetch);
      return run(
        configuration,
        dpopKey ? { DPoP: oidc.getDPoPHandle(configuration, dpopKey) } : {},
        metadata,
      );
    };
    return once(metadata.issuer).catch((error) => {
      if (answered) return once(answered.issuer);
      throw error;
    });
  }

  #configure(
    metadata: Metadata,
    clientAuth: oidc.ClientAuth,
    customFetch: ProviderFetch,
  ): oidc.Configuration {
    const { clientId, idTokenAlg, issuer, clockToleranceSeconds } = this.settings;
    const server = { ...used(metadata), userinfo_signing_alg_values_supported: [idTokenAlg] };
    const client = {
      id_token_signed_response_alg: idTokenAlg,
      use_mtls_endpoint_aliases: this.#mutualTls,
      [oidc.clockTolerance]: clockToleranceSeconds,
    };
    const configuration = new oidc.Configuration(server, clientId, client, clientAuth);
    configuration.timeout = 0; // Our fetch has its own limit.
    configuration[oidc.customFetch] = customFetch;
    if (issuer.startsWith('http:')) oidc.allowInsecureRequests(configuration);
    oidc.enableNonRepudiationChecks(configuration); // R2: without this no signature is checked.
    return configuration;
  }

  async #discover(): Promise<Metadata> {
    const { issuer, clientId } = this.settings;
    const address = new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    try {
      // Given the whole address, openid-client leaves the issuer to us: we compare it to the letter (ASVS 10.5.3).
      const configuration = await oidc.discovery(address, clientId, undefined, oidc.None(), {
        [oidc.customFetch]: this.#fetch,
        execute: issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : [],
      });
      return checkMetadata(configuration.serverMetadata(), this.settings, this.#log);
    } catch (error) {
      const failure = toAuthError(error, 'discovery');
      this.#log.error(
        { reason: failure.reason, mend: failure.mend },
        "the provider's metadata could not be loaded",
      );
      throw failure;
    }
  }
}

function idTokenIn(body: string): unknown {
  try {
    return JSON.parse(body).id_token;
  } catch {
    return undefined;
  }
}

/** What a call can need of the metadata: the library copies it all each time, and providers publish a lot. */
function used(metadata: Metadata): Metadata {
  const entries = Object.entries(metadata).filter(([name]) =>
    /^issuer$|_endpoint$|_uri$|aliases$|iss_param|auth_signing|dpop/.test(name),
  );
  return Object.fromEntries(entries) as Metadata;
}
