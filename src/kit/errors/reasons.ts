/**
 * Why a sign-in did not succeed: the stable `reason` of the audit event `sign_in.failed`, and the status of
 * the page. 4xx: the answer was wrong or somebody declined; 502: the provider answered, but not as agreed;
 * 503: it did not answer.
 */
export const signInFailures = {
  callback_parameters: 400,
  state_missing: 400,
  state_unknown: 400,
  login_expired: 400,
  authentication_expired: 400,
  access_denied: 403,
  login_required: 400,
  provider_error: 502,
  answer_invalid: 502,
  issuer_mismatch: 400,
  token_refused: 502,
  provider_answer: 502,
  provider_unreachable: 503,
  discovery_issuer: 503,
  discovery_invalid: 503,
  id_token_algorithm: 502,
  id_token_encrypted: 502,
  id_token_signature: 502,
  id_token_claims: 502,
  id_token_expired: 502,
  clock: 502,
  nonce_mismatch: 502,
  not_fresh: 403,
  acr_not_met: 403,
  tenant_not_allowed: 403,
  userinfo_sub_mismatch: 502,
  userinfo_refused: 502,
  userinfo_encrypted: 502,
  claims_too_large: 502,
  not_admitted: 403,
  admission_failed: 503,
  client_refused: 503,
  ended_meanwhile: 403,
  loop: 400,
} as const;

export type SignInFailure = keyof typeof signInFailures;

/** Other ways in which a request is turned away. */
export const refusals = {
  sign_in_first: 401,
  work_not_saved: 401,
  session_over: 401,
  invalid_grant: 401,
  stronger_sign_in: 401,
  sign_in_again: 401,
  auth_time_missing: 403,
  forbidden: 403,
  other_persons_page: 403,
  unmarked_page: 403,
  issuer_unknown: 400,
  store_away: 503,
  sign_in_store_away: 503,
  api_unreachable: 503,
  api_token_refused: 503,
} as const;

export type Refusal = keyof typeof refusals;
