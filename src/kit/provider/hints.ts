import { said } from './hint-text.ts';

// What a developer can do about a provider's answer that openid-client refuses. The library's errors carry what the
// other side said: as `error`, as a list of challenges, or as the answer itself.

export type Step = 'discovery' | 'start' | 'answer' | 'userinfo';

/** One link of the chain of causes. Any member may be missing or of another type. */
interface Link {
  message?: unknown;
  error?: unknown;
  error_description?: unknown;
  status?: unknown;
  content?: unknown;
  response?: unknown;
  header?: { alg?: unknown; kid?: unknown } | undefined;
  expected?: unknown;
}

/** What the provider said was wrong. */
export interface Complaint {
  error: string;
  description?: string | undefined;
}

/** @param links the error and its causes, the outermost first */
export function hintOf(links: readonly Link[], step: Step): string | undefined {
  return (
    pageHint(links) ??
    wordsHint(complaintOf(links)) ??
    algorithmHint(links, step) ??
    (step === 'userinfo' ? userinfoHint(links) : undefined) ??
    keyHint(links) ??
    (step === 'discovery' ? statusHint(links) : undefined)
  );
}

/** The hint for an `error` that came without a description. */
export function hintOfError(error: string): string {
  return wordsHint({ error }) ?? `the provider answered error=${said(error)}`;
}

/**
 * The `error` of a body, of a redirect, or of a challenge in the header (RFC 6749 §5.2, RFC 6750 §3). The library reads
 * no body behind a challenge, and none that is not called JSON; what is said there counts all the same.
 */
export function complaintOf(links: readonly Link[]): Complaint | undefined {
  for (const link of links) {
    for (const each of [link, bodyOf(link), bodyOf(link.response), ...challenges(link)]) {
      if (typeof each?.error !== 'string' || each.error === '') continue;
      const { error, error_description: description } = each;
      return { error, description: typeof description === 'string' ? description : undefined };
    }
  }
  return undefined;
}

function challenges(link: unknown): Link[] {
  const list = Array.isArray(link) ? link.slice(0, 6) : [];
  return list.map((each) => (each as { parameters?: Link } | null)?.parameters ?? {});
}

/** The library does not read an answer whose status is unexpected. */
function textOf({ content }: Link): string | undefined {
  return content instanceof Buffer && content.length <= 10_000 ? content.toString() : undefined;
}

function bodyOf(link: unknown): Link | undefined {
  try {
    const body: unknown = JSON.parse(textOf(Object(link)) ?? '');
    return typeof body === 'object' && body !== null ? body : undefined;
  } catch {
    return undefined;
  }
}

const httpsRequired =
  'the provider demands https ("HTTPS required"): OIDC_ISSUER must be its https address, and a proxy in front of it must pass on the scheme (at Keycloak KC_PROXY_HEADERS; "Require SSL" of the realm)';

/** What servers such as nginx and Keycloak say on a plain page instead of an OAuth error. */
const pages: readonly (readonly [RegExp, string])[] = [
  [/HTTPS required/i, httpsRequired],
  [
    /plain HTTP request was sent to HTTPS port/i,
    'https was expected there, and this app spoke plain http: its address must begin with https://',
  ],
  [
    /SSL certificate error/i,
    'the provider refuses the client certificate: it does not know the CA of OIDC_CLIENT_CERT_FILE, or the certificate has expired',
  ],
  [
    /No required SSL certificate was sent/i,
    'the provider requires a client certificate at this address: set OIDC_CLIENT_AUTH=tls_client_auth, or with private_key_jwt OIDC_CERTIFICATE_BOUND_TOKENS=true',
  ],
];

function pageHint(links: readonly Link[]): string | undefined {
  const answers = links.flatMap((link) => [link, Object(link.response) as Link]);
  const text = answers.map(textOf).find((each) => each !== undefined) ?? '';
  return pages.find(([words]) => words.test(text))?.[1];
}

function wordsHint(complaint: Complaint | undefined): string | undefined {
  if (!complaint) return undefined;
  const { error } = complaint;
  const description = complaint.description?.slice(0, 300) ?? '';
  if (/https required/i.test(description)) return httpsRequired;
  if (error !== 'invalid_grant' && isDisabledClient(description))
    return `${said(error)}: the client of OIDC_CLIENT_ID is disabled at the provider; enable it there`;
  if (/client certificate is not allowed/i.test(description))
    return `${said(error)}: the provider does not accept the client certificate: switch client certificates on there, and register the one in OIDC_CLIENT_CERT_FILE`;
  if (error === 'unsupported_response_mode' || /response.?mode/i.test(description))
    return `${said(error)}: the provider does not allow this client the response mode in OIDC_RESPONSE_MODE; allow it there, or set another one`;
  if (error === 'invalid_scope')
    return 'invalid_scope: the provider does not let this client ask for a scope of OIDC_SCOPE (offline_access is one); remove it, or allow it there';
  if (error === 'invalid_target')
    return 'invalid_target: the provider does not know OIDC_RESOURCE, or the `resource` of an API in site.ts, which each sign-in asks for; register it there, or remove it';
  if (demandsSignedRequest(error, description))
    return `${said(error)}: the provider accepts only signed requests from this client: set OIDC_REQUEST_OBJECT=true, or switch that off there`;
  if (error === 'invalid_request_object')
    return 'invalid_request_object: the provider does not accept the signed request of OIDC_REQUEST_OBJECT: register the public keys that npm run doctor prints, and compare request_object_signing_alg there with OIDC_CLIENT_KEY_ALG';
  if (error === 'request_not_supported')
    return 'request_not_supported: the provider does not accept signed requests; switch them on there, or set OIDC_REQUEST_OBJECT=false';
  if (error === 'unauthorized_client')
    return 'unauthorized_client: the provider does not let this client sign users in this way; allow it the authorization code flow';
  return undefined;
}

function isDisabledClient(description: string): boolean {
  return (
    /\b(?:client|application|app)\b/i.test(description) &&
    /\b(?:disabled|not enabled|inactive|deactivated)\b/i.test(description)
  );
}

/** Each server says it in its own words: oidc-provider, IdentityServer, Keycloak (whose error differs by endpoint). */
function demandsSignedRequest(error: string, description: string): boolean {
  return (
    /^invalid_request(?:_object)?$/.test(error) &&
    /request object must be used|must use request object|(?:required to use|missing parameter:) 'request'/i.test(
      description,
    )
  );
}

const settable = /^(?:(?:RS|PS|ES)(?:256|384|512)|EdDSA|Ed25519)$/;

function algorithmHint(links: readonly Link[], step: Step): string | undefined {
  const what = step === 'userinfo' ? 'userinfo' : 'the ID token';
  const mismatch = links.find(({ header, expected }) => header instanceof Object && expected !== undefined);
  if (!mismatch) return undefined;
  const came = said(mismatch.header?.alg ?? 'no algorithm at all', 20);
  const set = said([mismatch.expected].flat()[0], 20);
  const first = `${what} is signed with ${came}, and OIDC_ID_TOKEN_ALG is ${set}`;
  if (step === 'userinfo')
    return `${first}: have the provider sign userinfo with ${set} or not at all, or set OIDC_USERINFO=false`;
  return settable.test(came)
    ? `${first}: set OIDC_ID_TOKEN_ALG=${came}, or have the provider sign with ${set}`
    : `${first}: have the provider sign with ${set}`;
}

function userinfoHint(links: readonly Link[]): string | undefined {
  const status = statusOf(links);
  if (status === undefined || status === 200) return undefined;
  const complaint = complaintOf(links);
  const words =
    complaint &&
    ` (${[complaint.error, complaint.description]
      .filter(Boolean)
      .map((each) => said(each))
      .join(': ')})`;
  const advice =
    status === 401 || status === 403
      ? ': it does not accept the access token; where that is a lightweight or reference token, set OIDC_USERINFO=false'
      : '';
  return `userinfo answered ${status}${words ?? ''}${advice}`;
}

function keyHint(links: readonly Link[]): string | undefined {
  const none = links.find(({ message }) => /no applicable keys found/.test(String(message)));
  if (!none) return undefined;
  const { header } = links.find((link) => link.header instanceof Object) ?? {};
  const kid = typeof header?.kid === 'string' ? `key "${said(header.kid)}"` : 'a key without a name';
  return `the token is signed with ${kid}, and jwks_uri has no usable key of that name for ${said(header?.alg, 20)}`;
}

function statusHint(links: readonly Link[]): string | undefined {
  const status = statusOf(links);
  return status === undefined || status === 200
    ? undefined
    : `the address of the provider's metadata answered ${status}: check OIDC_ISSUER`;
}

function statusOf(links: readonly Link[]): number | undefined {
  return links.map(({ status }) => status).find((status) => typeof status === 'number');
}
