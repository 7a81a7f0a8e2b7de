import * as oidc from 'openid-client';
import type { Log } from '../log/index.ts';
import { AssertionAudience } from './assertion-audience.ts';
import { BoundTokens } from './bound-tokens.ts';
import { type ClientWay, clientAuthentication, showsCertificate } from './client-authentication.ts';
import type { ClientKey } from './client-keys.ts';
import { AnotherConfiguration, Configurations } from './configurations.ts';
import { Decryption } from './decryption.ts';
import { DpopNonces } from './dpop-nonces.ts';
import { withoutEchoes } from './echoes.ts';
import { type Clock, causes, refusal, toAuthError } from './failures.ts';
import { createProviderFetch, type ProviderCall, type ProviderFetch, toResponse } from './fetch.ts';
import { ProviderHealth } from './health.ts';
import { routeOf, warnOfPlainHttp, withPublicAddresses } from './internal-address.ts';
import { ProviderKeys } from './keys.ts';
import { boundMetadata, checkMetadata, type Metadata } from './metadata.ts';
import { checkAliases } from './mtls-aliases.ts';
import { Refreshing } from './refreshing.ts';
import type { ConnectionContext, ProviderSettings } from './settings.ts';
import { createStreaming, type OpenStream } from './streaming.ts';
import { warnOfUnoffered } from './unoffered.ts';
import { type WarnOnce, warnOnceIn } from './warn-once.ts';

const discoveryMaxAgeMs = 10 * 60_000;

/** What one call to the provider is made with. */
interface CallContext {
  /** Says how the client authenticates, and what answers are verified with. */
  configuration: oidc.Configuration;
  dpop: { DPoP?: oidc.DPoPHandle };
  metadata: Metadata;
  /** Signs request objects. */
  signingKey: ClientKey | undefined;
}

type Run<T> = (context: CallContext) => Promise<T>;

interface Attempt {
  metadata: Metadata;
  way: ClientWay;
  dpopKey: oidc.CryptoKeyPair | undefined;
  alone: boolean;
}

/**
 * The line to the provider: metadata and keys, each cached and refreshed (R21), client authentication, and `call`,
 * through which every request to it goes.
 */
export class ProviderConnection {
  readonly settings: ProviderSettings;
  readonly health: ProviderHealth;
  readonly keys: ProviderKeys;
  readonly discovered: Refreshing<Metadata>;
  readonly decryption: Decryption;
  readonly warnOnce: WarnOnce;
  readonly boundTokens: BoundTokens;
  /** For calls to an API: whether that answers says nothing about the provider. */
  readonly apiFetch: (...request: Parameters<ProviderFetch>) => Promise<Response>;
  /** Likewise, streamed both ways. */
  readonly openStream: OpenStream;
  readonly log: Log;
  readonly #context: ConnectionContext;
  readonly #ways: ClientWay[];
  readonly #audience: AssertionAudience;
  readonly #fetch: ProviderFetch;
  readonly #configurations: Configurations;
  readonly #nonces = new DpopNonces();
  readonly #closeAll: () => void;
  readonly #refreshTimer: NodeJS.Timeout;

  constructor(settings: ProviderSettings, context: ConnectionContext) {
    this.settings = settings;
    this.#context = context;
    this.log = context.log;
    this.health = new ProviderHealth(context.audit, settings.issuer);
    const tls = showsCertificate(settings)
      ? { cert: settings.clientCert ?? '', key: settings.clientKeys[0]?.pem ?? '' }
      : undefined;
    const observe = (call: ProviderCall) => {
      this.health.observe(call);
      context.onCall?.(call);
    };
    warnOfPlainHttp(settings, context.log);
    const transport = { tls, proxy: settings.proxy, route: (url: URL) => routeOf(url, settings) };
    const provider = createProviderFetch({ ...transport, observe });
    const toApis = { ...transport, setting: "the API's `url` in site.ts" };
    const api = createProviderFetch(toApis);
    const streaming = createStreaming(toApis);
    const fetch = withoutEchoes(this.#nonces.watch(provider.fetch));
    const apiFetch = withoutEchoes(this.#nonces.watch(api.fetch));
    this.#fetch = fetch;
    this.warnOnce = warnOnceIn(context.log);
    this.boundTokens = new BoundTokens(settings, this.warnOnce);
    this.apiFetch = async (...request) => {
      this.boundTokens.checkApi(request[0]);
      return toResponse(await apiFetch(...request));
    };
    this.openStream = async (url, request) => {
      this.boundTokens.checkApi(url);
      const message = await streaming.open(url, request);
      this.#nonces.learn(url, message.headers['dpop-nonce']);
      return message;
    };
    this.#closeAll = () => {
      provider.close();
      api.close();
      streaming.close();
    };
    this.#ways = clientAuthentication(settings, context.log);
    this.#audience = new AssertionAudience(settings, context.log);
    this.discovered = new Refreshing(() => this.#discover(), discoveryMaxAgeMs);
    const jwksUri = async () => (await this.discovered.get()).jwks_uri;
    this.keys = new ProviderKeys(jwksUri, fetch, settings.idTokenAlg);
    this.decryption = new Decryption(settings.decryptionKeys);
    this.#configurations = new Configurations(this, fetch, this.#audience);
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

  /** Signs proofs with this key, with the newest nonce of the server that each is for. */
  proofs(configuration: oidc.Configuration, key: oidc.CryptoKeyPair): oidc.DPoPHandle {
    return this.#nonces.handle(configuration, key);
  }

  /**
   * Runs a call. A second client key is tried where the provider does not know the first (rotation).
   *
   * @param options.alone gives it a configuration that no other call uses, so that it may change it
   */
  async call<T>(
    run: Run<T>,
    { dpopKey, alone = false }: { dpopKey?: oidc.CryptoKeyPair | undefined; alone?: boolean } = {},
  ): Promise<T> {
    const metadata = await this.discovered.get();
    let refused: unknown;
    for (const [index, way] of this.#ways.entries()) {
      try {
        return await this.#attempt(run, { metadata, way, dpopKey, alone });
      } catch (error) {
        const next = this.#ways[index + 1];
        if (!next || !isUnknownKey(error, way, next)) throw tellingOne(refused, error);
        refused = error;
        this.log.warn('the provider does not accept the first client key; trying the next');
      }
    }
    throw new Error('there is no client authentication');
  }

  async #attempt<T>(run: Run<T>, { metadata, way, dpopKey, alone }: Attempt): Promise<T> {
    const configurations = this.#configurations;
    const runWith = (configuration: oidc.Configuration) =>
      run({
        configuration,
        dpop: dpopKey ? { DPoP: this.proofs(configuration, dpopKey) } : {},
        metadata,
        signingKey: way.key,
      });
    try {
      return await runWith(
        alone ? configurations.make(metadata, way.auth) : configurations.get(metadata, way.auth),
      );
    } catch (error) {
      const again = causes(error as Error).find((cause) => cause instanceof AnotherConfiguration);
      if (!again) throw error;
      const { issuer, given } = again;
      return await runWith(configurations.make({ ...metadata, issuer }, way.auth, given));
    }
  }

  async #discover(): Promise<Metadata> {
    const { issuer, clientId } = this.settings;
    const address = new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    try {
      // Given the whole address, openid-client leaves the issuer to us: we compare all of it (ASVS 10.5.3).
      const configuration = await oidc.discovery(address, clientId, undefined, oidc.None(), {
        [oidc.customFetch]: async (...request) => boundMetadata(await this.#fetch(...request)),
        execute: issuer.startsWith('http:') ? [oidc.allowInsecureRequests] : [],
      });
      const metadata = checkMetadata(
        withPublicAddresses(configuration.serverMetadata(), this.settings),
        this.settings,
        this.#context,
      );
      checkAliases(metadata, this.settings);
      this.#audience.warn(metadata);
      this.boundTokens.checkMetadata(metadata);
      warnOfUnoffered(metadata, this.settings, this.warnOnce);
      return metadata;
    } catch (error) {
      const failure = toAuthError(error, 'discovery');
      this.log.error(
        { reason: failure.reason, hint: failure.hint },
        "the provider's metadata could not be loaded",
      );
      throw failure;
    }
  }
}

/** Whether the next way may be accepted: it must authenticate, or sign the request, with another key. */
function isUnknownKey(error: unknown, way: ClientWay, next: ClientWay): boolean {
  const refused = refusal(error);
  return (
    (refused === 'invalid_client' && way.auth !== next.auth) ||
    (refused === 'invalid_request_object' && way.key !== next.key)
  );
}

/**
 * Of two refusals, the one that says what is wrong. A provider that only refused the signature accepted the first key as
 * the client's. That it does not know the next key (`invalid_client`) is then no news.
 */
function tellingOne(first: unknown, next: unknown): unknown {
  const isOfSignature = refusal(first) === 'invalid_request_object';
  return isOfSignature && refusal(next) === 'invalid_client' ? first : next;
}
