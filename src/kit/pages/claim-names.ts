/**
 * What well-known claims mean (OpenID Connect Core §2 and §5.1, RFC 7519), in the order that pages show
 * them. Claims that are not here come after these, by their own name.
 */
export const claimLabels: ReadonlyMap<string, string> = new Map([
  ['name', 'Name'],
  ['given_name', 'First name'],
  ['middle_name', 'Middle name'],
  ['family_name', 'Family name'],
  ['nickname', 'Nickname'],
  ['preferred_username', 'User name'],
  ['email', 'Email address'],
  ['email_verified', 'Email address confirmed'],
  ['phone_number', 'Phone number'],
  ['phone_number_verified', 'Phone number confirmed'],
  ['birthdate', 'Date of birth'],
  ['gender', 'Gender'],
  ['address', 'Postal address'],
  ['locale', 'Language'],
  ['zoneinfo', 'Time zone'],
  ['picture', 'Picture'],
  ['profile', 'Profile page'],
  ['website', 'Website'],
  ['updated_at', 'Last changed'],
  ['roles', 'Roles'],
  ['groups', 'Groups'],
  ['sub', 'Your id at the provider'],
  ['iss', 'Provider'],
  ['aud', 'Made for'],
  ['azp', 'Asked for by'],
  ['auth_time', 'You proved who you are'],
  ['acr', 'Strength of the proof'],
  ['amr', 'Means of the proof'],
  ['iat', 'Issued'],
  ['nbf', 'Not valid before'],
  ['exp', 'ID token valid until'],
  ['sid', 'Session at the provider'],
  ['nonce', 'Binds the answer to our question'],
  ['at_hash', 'Hash of the access token'],
]);

/** Claims about the sign-in, not about the person. */
export const signInClaims: ReadonlySet<string> = new Set(
  'sub iss aud azp auth_time acr amr iat nbf exp sid jti nonce at_hash c_hash s_hash'.split(' '),
);

/** Claims that hold a moment. */
export const timeClaims: ReadonlySet<string> = new Set('auth_time iat nbf exp updated_at'.split(' '));
