import type { JSONWebKeySet, JWK } from 'jose';
import * as oidc from 'openid-client';
import { namesOf } from './algorithms.ts';
import type { AssertionAudience } from './assertion-audience.ts';
import { AuthTimeRepair } from './auth-time.ts';
import { showsCertificate } from './client-authentication.ts';
import type { Decryption } from './decryption.ts';
import { EncryptedAnswers } from './encrypted-answers.ts';
import type { ProviderAnswer, ProviderFetch } from './fetch.ts';
import { peek } from './id-token-checks.ts';
import type { ProviderKeys } from './keys.ts';
import { isTenantTemplate, type Metadata, tenantIssuer } from './metadata.ts';
import { keysOfIssuer } from './quirks.ts';
import type { ProviderSettings } from './settings.ts';
import { inStandardForm } from './token-answer.ts';
import type { WarnOnce } from './warn-once.ts';

/** Of the connection that they are for. */
interface Connection {
  settings: ProviderSettings;
  keys: ProviderKeys;
  decryption: Decryption;
  warnOnce: WarnOnce;
}

/**
 * The library's configurations: each holds the metadata, how this client authenticates, and the keys that it was given
 * to verify with. One is kept until one of these changes, for the library imports its keys anew for each.
 */
export class Configurations {
  readonly #settings: ProviderSettings;
  readonly #keys: ProviderKeys;
  readonly #encrypted: EncryptedAnswers;
  readonly #fetch: ProviderFetch;
  readonly #audience: AssertionAudience;
  readonly #repair: AuthTimeRepair;
  readonly #kept = new Map<oidc.ClientAuth, Prepared>();

  constructor(
    { settings, keys, decryption, warnOnce }: Connection,
    fetch: ProviderFetch,
    audience: AssertionAudience,
  ) {
    this.#settings = settings;
    this.#encrypted = new EncryptedAnswers(decryption, warnOnce);
    this.#audience = audience;
    this.#repair = new AuthTimeRepair(settings.idTokenAlg);
    this.#keys = keys;
    this.#fetch = fetch;
  }

  /** The one that all calls share. */
  get(metadata: Metadata, clientAuth: oidc.ClientAuth): oidc.Configuration {
    const kept = this.#kept.get(clientAuth);
    if (kept?.metadata === metadata && !this.#isOutdated(kept)) return kept.configuration;
    const fresh = this.#prepare(metadata, clientAuth);
    this.#kept.set(clientAuth, fresh);
    return fresh.configuration;
  }

  /**
   * One that nobody shares, so that its call may change it.
   *
   * @param given the token endpoint's answer, when it is there already: then it is not asked again
   */
  make(metadata: Metadata, clientAuth: oidc.ClientAuth, given?: GivenAnswer): oidc.Configuration {
    return this.#prepare(metadata, clientAuth, given).configuration;
  }

  #prepare(metadata: Metadata, clientAuth: oidc.ClientAuth, given?: GivenAnswer): Prepared {
    const { clientId, idTokenAlg, issuer, clockToleranceSeconds } = this.#settings;
    // One algorithm is accepted (R2), whatever the provider lists. Given as the server's, it may have two names.
    const names = [...namesOf(idTokenAlg)];
    const server = {
      ...used(metadata),
      id_token_signing_alg_values_supported: names,
      userinfo_signing_alg_values_supported: names,
    };
    const client = {
      use_mtls_endpoint_aliases: showsCertificate(this.#settings),
      [oidc.clockTolerance]: clockToleranceSeconds,
    };
    const configuration = new oidc.Configuration(server, clientId, client, clientAuth);
    const prepared: Prepared = { metadata, configuration };
    configuration.timeout = 0; // Our fetch has its own limit.
    configuration[oidc.customFetch] = async (url, init) => {
      if (url === metadata.jwks_uri) {
        prepared.keys = await this.#keys.get();
        const { keys } = keysOfIssuer(prepared.keys, metadata.issuer);
        return Response.json({ keys: given?.key ? [...keys, given.key] : keys });
      }
      if (init.method !== 'POST') return this.#encrypted.openUserinfo(await this.#fetch(url, init));
      return given?.answer ?? this.#post(url, init, prepared);
    };
    if (issuer.startsWith('http:')) oidc.allowInsecureRequests(configuration);
    oidc.enableNonRepudiationChecks(configuration); // R2: without this no signature is checked.
    return prepared;
  }

  /**
   * An ID token in the answer is decrypted first. It must be verified with the keys at hand when it has come; as its tenant's, which only the
   * token names where one issuer serves many; and whatever its auth_time is.
   *
   * @throws AnotherConfiguration when the one that asked cannot do that
   */
  async #post(url: string, init: Parameters<ProviderFetch>[1], prepared: Prepared): Promise<ProviderAnswer> {
    this.#audience.demand(url, prepared.metadata);
    const came = await this.#fetch(url, init);
    const body = came.status === 200 ? await came.json().catch(() => undefined) : undefined;
    // Only a token endpoint answers so; what a revocation says, nobody reads.
    if (!isTokenAnswer(body)) return came;
    const standard = inStandardForm(came, body);
    if (typeof body.id_token !== 'string' || body.id_token === '') return standard;
    const id_token = await this.#encrypted.openIdToken(body.id_token);
    const wasEncrypted = id_token !== body.id_token;
    const answer = wasEncrypted ? standard.withBody({ ...(await standard.json()), id_token }) : standard;
    const { kid, tid } = peek(id_token);
    await this.#keys.ensure(kid, true);
    const { metadata } = prepared;
    const template = isTenantTemplate(metadata);
    const issuer = template ? tenantIssuer(metadata, tid, this.#settings.allowedTenants) : metadata.issuer;
    if (this.#repair.isNeeded(id_token)) {
      const keys = keysOfIssuer(await this.#keys.get(), issuer);
      const { jwt, key } = await this.#repair.repair(id_token, keys);
      throw new AnotherConfiguration(issuer, { answer: answer.withIdToken(await answer.json(), jwt), key });
    }
    if (template || this.#isOutdated(prepared)) throw new AnotherConfiguration(issuer, { answer });
    return answer;
  }

  #isOutdated({ keys }: Prepared): boolean {
    return keys !== undefined && keys !== this.#keys.current;
  }
}

/** Thrown through the library: the answer has come, but another configuration must judge it. */
export class AnotherConfiguration extends Error {
  readonly issuer: string;
  readonly given: GivenAnswer;

  constructor(issuer: string, given: GivenAnswer) {
    super('another configuration must judge the answer');
    this.issuer = issuer;
    this.given = given;
  }
}

interface GivenAnswer {
  answer: ProviderAnswer;
  /** One more key to verify its ID token with. */
  key?: JWK;
}

function isTokenAnswer(body: unknown): body is Record<string, unknown> {
  return typeof body === 'object' && body !== null && Object.hasOwn(body, 'access_token');
}

interface Prepared {
  metadata: Metadata;
  configuration: oidc.Configuration;
  /** Those that it verifies with; none until it first verifies something. */
  keys?: JSONWebKeySet;
}

/** What a call can need of the metadata: the library copies it all, and providers publish a lot. */
function used(metadata: Metadata): Metadata {
  const entries = Object.entries(metadata).filter(([name]) =>
    /^issuer$|_endpoint$|_uri$|aliases$|iss_param|auth_signing|dpop/.test(name),
  );
  return Object.fromEntries(entries) as Metadata;
}
