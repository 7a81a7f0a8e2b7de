/** Why a session is no longer there, as /signed-out explains it to the user. */
export type EndReason =
  | 'signed-out'
  | 'idle'
  | 'expired'
  | 'other-device'
  | 'provider'
  | 'operator'
  /** The provider does not take the account any more: disabled, deleted. */
  | 'account'
  /** The user's session at the provider is over, as it said when tokens were to be refreshed. */
  | 'provider-session'
  /** The provider refused to refresh and did not say which of the two it was. */
  | 'not-renewed'
  /** `signIn` in site.ts refused the user at a recheck. */
  | 'not-admitted'
  /** The provider that the session came from is no longer in the settings, or its name means another one. */
  | 'provider-changed'
  | 'replaced';
