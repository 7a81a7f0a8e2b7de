import type { Refusal, SignInFailure } from '../reasons.ts';

/** Reasons that a person reads the same words about. */
export const sameWords = {
  answer_invalid: 'id_token_claims',
  id_token_algorithm: 'set_up',
  id_token_encrypted: 'userinfo_encrypted',
  id_token_signature: 'id_token_claims',
  nonce_mismatch: 'id_token_claims',
  invalid_grant: 'session_over',
} as const;

/** `set_up` is said of any failure that only the people who run the site can do something about. */
type OwnWords = Exclude<SignInFailure | Refusal, keyof typeof sameWords> | 'set_up';
type FailureTexts = Record<`error.${OwnWords}.title`, string> &
  Record<`error.${OwnWords}.text`, readonly string[]>;

const notSignedIn = "You haven't been signed in.";
const toFix = 'The people who run this site need to fix this.';
const trySigningInAgain =
  'Please try to sign in again. If it keeps happening, tell the people who run this site the request ID below.';

/** What a person reads about a failure, by its `reason` in the log. */
export const failureTexts = {
  'error.callback_parameters.title': "We couldn't complete your sign-in",
  'error.callback_parameters.text': ["The response from the sign-in page wasn't valid.", trySigningInAgain],
  'error.state_missing.title': "This sign-in wasn't started in this browser",
  'error.state_missing.text': ['Please start again.'],
  'error.state_unknown.title': 'This sign-in has expired',
  'error.state_unknown.text': [
    'It may already have been used, or your browser may be blocking our cookies.',
    'Please start again.',
  ],
  'error.login_expired.title': 'That took too long',
  'error.login_expired.text': ['You have an hour to finish signing in. Please start again.'],
  'error.authentication_expired.title': 'The sign-in page had expired',
  'error.authentication_expired.text': ['Please start again.'],
  'error.access_denied.title': "Your sign-in wasn't completed",
  'error.access_denied.text': [
    "You stopped before finishing, or your account isn't allowed to use this site, so you haven't been signed in.",
    'Try again, or use another account. If you should have access, ask the people who run this site.',
  ],
  'error.login_required.title': '{Provider} needs more information from you',
  'error.login_required.text': ['Please start again.'],
  'error.provider_error.title': '{Provider} reported a problem',
  'error.provider_error.text': [notSignedIn, trySigningInAgain],
  'error.issuer_mismatch.title': 'The response came from somewhere else',
  'error.issuer_mismatch.text': [
    "We asked {provider} to sign you in, but the response came from somewhere else, so we didn't use it.",
    trySigningInAgain,
  ],
  'error.token_refused.title': "{Provider} didn't complete your sign-in",
  'error.token_refused.text': [notSignedIn, trySigningInAgain],
  'error.provider_answer.title': "{Provider} sent a response we can't use",
  'error.provider_answer.text': [notSignedIn, trySigningInAgain],
  'error.provider_unreachable.title': "We can't reach {provider}",
  'error.provider_unreachable.text': ['Please try again in a few minutes.'],
  'error.discovery_issuer.title': "Sign-in isn't set up correctly",
  'error.discovery_issuer.text': [
    '{Provider} identifies itself by a different name from the one we expect.',
    toFix,
  ],
  'error.discovery_invalid.title': "You can't sign in with {provider} right now",
  'error.discovery_invalid.text': ['Please try again later.'],
  'error.id_token_claims.title': "We couldn't verify your sign-in",
  'error.id_token_claims.text': [notSignedIn, trySigningInAgain],
  'error.id_token_expired.title': 'Your sign-in had already expired',
  'error.id_token_expired.text': [notSignedIn, trySigningInAgain],
  'error.clock.title': "Our clock and {provider}'s don't agree",
  'error.clock.text': [
    "They're too far apart, so we can't tell whether your sign-in is still valid.",
    `${toFix} Please try again later.`,
  ],
  'error.not_fresh.title': 'Please sign in again',
  'error.not_fresh.text': [
    "You need to have signed in recently to do this, but {provider} didn't ask you again.",
    'Sign out there first, then try again.',
  ],
  'error.acr_not_met.title': 'You need a stronger way to sign in',
  'error.acr_not_met.text': [
    "This needs a stronger way to sign in, such as a second factor, but {provider} didn't ask you for one.",
    'Set one up with {provider}, then try again.',
  ],
  'error.tenant_not_allowed.title': "Your organisation doesn't have access",
  'error.tenant_not_allowed.text': [
    "You signed in with an account from an organisation that isn't allowed to use this site.",
    'Sign in with another account, or ask the people who run this site.',
  ],
  'error.not_admitted.title': "You can't use this app",
  'error.not_admitted.text': ["Your account isn't allowed to use this app."],
  'error.admission_failed.title': "We can't sign you in right now",
  'error.admission_failed.text': [`${notSignedIn} Please try again in a few minutes.`],
  'error.userinfo_sub_mismatch.title': 'We received conflicting details about your account',
  'error.userinfo_sub_mismatch.text': [notSignedIn, trySigningInAgain],
  'error.userinfo_refused.title': "{Provider} didn't give us your details",
  'error.userinfo_refused.text': [notSignedIn, trySigningInAgain],
  'error.userinfo_encrypted.title': "We couldn't read your details",
  'error.userinfo_encrypted.text': [
    "{Provider} sends your details in a form that this site can't read.",
    toFix,
  ],
  'error.claims_too_large.title': '{Provider} sent too much',
  'error.claims_too_large.text': [
    'It sent more about your account, such as groups, than this site can keep.',
    'Please tell the people who run this site.',
  ],
  'error.ended_meanwhile.title': 'You were signed out while signing in',
  'error.ended_meanwhile.text': [
    "You were signed out everywhere in the meantime, so this sign-in wasn't completed.",
  ],
  'error.loop.title': "We can't keep you signed in",
  'error.loop.text': [
    "You signed in three times within a minute, but each time we lost track of your session. We've stopped so that you don't go round in circles.",
    'Your browser may be blocking our cookies, you may have opened this site with http instead of https, or a clock may be wrong.',
    'Allow cookies for this site and open it with https, then try again.',
  ],

  'error.sign_in_first.title': 'Please sign in',
  'error.sign_in_first.text': ['You need to sign in to see this.'],
  'error.work_not_saved.title': "You've been signed out",
  'error.work_not_saved.text': [
    "Nothing was saved yet. Sign in, then use your browser's back button and send it again.",
  ],
  'error.session_over.title': 'Your session has ended',
  'error.session_over.text': ["{Provider} didn't renew your sign-in, so we signed you out."],
  'error.stronger_sign_in.title': 'Please sign in again',
  'error.stronger_sign_in.text': ['This needs a more recent or stronger sign-in than yours.'],
  'error.auth_time_missing.title': "We couldn't confirm when you signed in",
  'error.auth_time_missing.text': [
    "This needs a recent sign-in. You signed in again, but {provider} didn't tell us when you last did so.",
    toFix,
  ],
  'error.sign_in_again.title': 'Please sign in again',
  'error.sign_in_again.text': [
    "To continue, sign in again. You haven't been signed out, and we'll bring you back here.",
  ],
  'error.forbidden.title': "You don't have access to this page",
  'error.forbidden.text': ["Your account doesn't have the access that this page needs."],
  'error.other_persons_page.title': 'This page was opened by someone else',
  'error.other_persons_page.text': [
    'Someone else has signed in with this browser since the page was opened, so we ignored what was sent. Nothing was changed.',
    'Open the page again, then try again.',
  ],
  'error.unmarked_page.title': "We couldn't tell whose page this is",
  'error.unmarked_page.text': [
    "What was sent didn't say who the page was opened for, so we ignored it. Nothing was changed.",
    'Open the page again, then try again.',
  ],
  'error.issuer_unknown.title': "We don't know that sign-in service",
  'error.issuer_unknown.text': ["This site doesn't use it."],
  'error.set_up.title': "Sign-in with {provider} isn't set up correctly",
  'error.set_up.text': [
    "You haven't been signed in, and trying again won't help yet.",
    `${toFix} Please tell them the request ID below.`,
  ],
  'error.store_away.title': "We can't check your sign-in right now",
  'error.store_away.text': ["Please try again in a moment. You haven't been signed out."],
  'error.sign_in_store_away.title': "We can't sign you in right now",
  'error.sign_in_store_away.text': [
    "Something we need for that isn't responding. Please try again in a moment.",
  ],
  'error.api_unreachable.title': "A service that this page needs isn't responding",
  'error.api_unreachable.text': ['Please try again in a moment.'],
  'error.api_token_refused.title': "We can't use a service that this page needs",
  'error.api_token_refused.text': [
    "{Provider} doesn't allow this site to use it on your behalf. You're still signed in.",
    toFix,
  ],
  'error.client_refused.title': "Sign-in isn't set up correctly",
  'error.client_refused.text': [
    "{Provider} isn't accepting this site at the moment. You haven't been signed in or out.",
    `${toFix} Please try again later.`,
  ],
} as const satisfies FailureTexts;
