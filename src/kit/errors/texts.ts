import type { Message } from './message.ts';
import type { Refusal, SignInFailure } from './reasons.ts';

// Every sentence of the auth part that a user may read, with ended-text.ts. Translate both, and `lang` in the layout.

// `leadBack` has both come back to the page where they were pressed.
const again = { label: 'Sign in again', href: '/auth/login' };
const signIn = { label: 'Sign in', href: '/auth/login' };
const home = { label: 'Go to the start page', href: '/' };

const trySigningInAgain =
  'Please try to sign in again. If it keeps happening, tell the people who run this site the request id below.';
const nobodyToBlame = 'You have not been signed in.';

const proofRefused = page('The proof of your sign-in was refused', [nobodyToBlame, trySigningInAgain]);

const sessionOver = page('Your session has ended', [
  'The sign-in service did not renew your sign-in, so we signed you out. You can sign in again.',
]);

const failures: Record<SignInFailure | Refusal, Message> = {
  callback_parameters: page('This sign-in answer cannot be used', [
    'The answer that came back from the sign-in page was damaged or made up.',
    trySigningInAgain,
  ]),
  state_missing: page("This sign-in wasn't started in this browser", ['Please start again.']),
  state_unknown: page('This sign-in has expired', [
    'It may already have been used, or your browser may be blocking our cookies.',
    'Please start again.',
  ]),
  login_expired: page('That took too long', [
    'A sign-in has to be finished within an hour. Please start again.',
  ]),
  authentication_expired: page('That took too long', ['The sign-in page had expired. Please start again.']),
  access_denied: page('The sign-in service did not let you in', [
    'You stopped before finishing, or your account is not allowed to use this site.',
    'Try again, or use another account. If you should have access, ask the people who run this site.',
  ]),
  login_required: page('The sign-in service needs more information from you', ['Please start again.']),
  provider_error: page('The sign-in service reported a problem', [nobodyToBlame, trySigningInAgain]),
  issuer_mismatch: page('The answer came from somewhere else', [
    'The answer does not come from the sign-in service that we asked, so it was not used.',
    trySigningInAgain,
  ]),
  token_refused: page('The sign-in could not be finished', [nobodyToBlame, trySigningInAgain]),
  provider_answer: page('The sign-in service gave an unusable answer', [nobodyToBlame, trySigningInAgain]),
  provider_unreachable: page('The sign-in service cannot be reached', ['Please try again in a few minutes.']),
  discovery_issuer: page('Sign-in is not set up correctly', [
    'The sign-in service introduces itself under another name than this site expects.',
    'The people who run this site need to fix this.',
  ]),
  discovery_invalid: page('Sign-in is not available', ['Please try again later.']),
  id_token_algorithm: proofRefused,
  id_token_signature: proofRefused,
  id_token_claims: proofRefused,
  id_token_expired: page('The proof of your sign-in had run out', [nobodyToBlame, trySigningInAgain]),
  clock: page('Two clocks disagree', [
    'The clock of the sign-in service and ours are too far apart, so we cannot tell whether your sign-in is still valid.',
    'The people who run this site need to fix this. Please try again later.',
  ]),
  nonce_mismatch: proofRefused,
  not_fresh: page('We asked you to sign in afresh', [
    'This needs a recent sign-in, but the sign-in service did not ask you again.',
    'Sign out there first, then try once more.',
  ]),
  acr_not_met: page('A stronger sign-in is needed', [
    'This needs a stronger way to sign in, such as a second factor, but the sign-in service did not use it.',
    'Set one up with the sign-in service, then try once more.',
  ]),
  tenant_not_allowed: page('Your organisation has no access', [
    'You signed in with an account of an organisation that may not use this site.',
    'Sign in with another account, or ask the people who run this site.',
  ]),
  userinfo_sub_mismatch: page('Two answers about you disagree', [nobodyToBlame, trySigningInAgain]),
  userinfo_refused: page('Your details could not be fetched', [nobodyToBlame, trySigningInAgain]),
  userinfo_encrypted: page('Your details could not be read', [
    'The sign-in service sends your details in a form that this site cannot read.',
    'The people who run this site need to fix this.',
  ]),
  claims_too_large: page('The sign-in service sent too much', [
    'It sent more about your account, such as groups, than this site can keep.',
    'Please tell the people who run this site.',
  ]),
  ended_meanwhile: page('You were signed out while signing in', ['Your sessions were ended from elsewhere.']),
  loop: page('Signing in does not hold', [
    'You signed in three times within a minute, yet each time this site did not know you afterwards. We stopped here rather than send you in circles.',
    'Likely causes: your browser refuses our cookies, the address is opened with http although the site uses https, or a clock is wrong.',
    'Allow cookies for this site and open it with https, then try again.',
  ]),

  sign_in_first: page('Please sign in', ['This is only for people who are signed in.'], signIn),
  work_not_saved: page(
    'You are not signed in any more',
    ['What you sent was not saved. Sign in, go back with your browser, and send it again.'],
    signIn,
  ),
  session_over: sessionOver,
  invalid_grant: sessionOver,
  stronger_sign_in: page('Please sign in again', [
    'This needs a more recent or stronger sign-in than yours.',
  ]),
  auth_time_missing: page(
    'We could not confirm when you signed in',
    [
      "This needs a recent sign-in. You signed in again, but the sign-in service didn't tell us when you last proved who you are.",
      'The people who run this site need to fix this.',
    ],
    home,
  ),
  sign_in_again: page('Please sign in again', [
    "To continue, sign in again. You haven't been signed out, and we'll bring you back here.",
  ]),
  forbidden: page('You may not see this page', ['Your account lacks what this page asks for.'], home),
  other_persons_page: page(
    'This page was opened by somebody else',
    [
      'Somebody else has signed in with this browser since the page was opened, so we ignored what was sent. Nothing was changed.',
      'Open the page again and try once more.',
    ],
    home,
  ),
  unmarked_page: page(
    "We couldn't tell whose page this is",
    [
      "What was sent didn't say who the page was opened for, so we ignored it. Nothing was changed.",
      'Open the page again and try once more.',
    ],
    home,
  ),
  issuer_unknown: page('We do not know that sign-in service', ['This site does not use it.'], home),
  store_away: page(
    'We cannot tell who you are just now',
    ['Our store of sessions does not answer. You have not been signed out. Please try again in a moment.'],
    home,
  ),
  api_unreachable: page('A service we depend on does not answer', ['Please try again in a moment.'], home),
  client_refused: page(
    'Sign-in is not set up correctly',
    [
      'The sign-in service does not accept this site at the moment. You have not been signed out.',
      'The people who run this site need to fix this. Please try again later.',
    ],
    home,
  ),
};

/** The page for a failure. */
export function failurePage(reason: SignInFailure | Refusal): Message {
  return failures[reason];
}

export const cookiesBlocked = 'Your browser blocks cookies for this site. Allow them, then start again.';

export const signedOut = {
  title: 'You are signed out',
  endedTitle: 'Your session has ended',
  stillSignedInTitle: 'You are signed in',
  stillSignedIn: 'You are still signed in here. Use the sign-out button to leave.',
  nobody: 'Nobody is signed in here.',
  thisApp: 'This site',
  tokens: 'Its access in your name',
  provider: (host: string) => `Your sign-in at ${host}`,
  providerStays: (host: string) =>
    `You may still be signed in at ${host}. Sign out there too on a shared computer.`,
};

/** The page that goes on to the provider. `host` is the provider's. */
export const leaving = {
  signIn: (host: string) => ({
    title: `Continue to ${host}`,
    text: [`We're taking you to ${host} to sign in. If nothing happens, choose Continue.`],
  }),
  signOut: (host: string) => ({
    title: `Continue to ${host}`,
    text: [
      `You've signed out of this site. We're taking you to ${host} to sign you out there too.`,
      'If nothing happens, choose Continue.',
    ],
  }),
};

export const confirmLogout: Message = {
  title: 'Sign out?',
  text: ['This ends your session here and at the sign-in service.'],
  action: { label: 'Sign out', post: '/auth/logout' },
  other: { label: 'Stay signed in', href: '/' },
};

/** Asked before a sign-in that somebody else began (OpenID Connect Core §4; ASVS 7.6.2). */
export function confirmThirdPartyStart(fields: Record<string, string>): Message {
  return {
    title: 'Sign in here?',
    text: [
      'Another site sent you here to sign in. Go on only if you meant to.',
      'You will be taken to our sign-in service, and then to the page that was asked for.',
    ],
    action: { label: 'Go on and sign in', post: '/auth/initiate-login', fields },
    other: { label: 'No, go to the start page', href: '/' },
  };
}

/** A form or a script of a page that was printed for another person, or that does not say for whom. */
export const ownPage = {
  openAgain: 'Open the page again',
  developer: 'What to do (shown in development only)',
  howTo: (view: string | undefined) =>
    view === undefined
      ? "parse the form's body before requireAuth, and write <%- include('/kit/form') %> inside the form; a script sends the content of <meta name=\"kit-form\"> as the header Kit-Form"
      : `write <%- include('/kit/form') %> inside each form of views/${view}.ejs; a script sends the content of <meta name="kit-form"> as the header Kit-Form`,
};

export const switchUser = 'Use another account';
export const tryAgain = 'Try again';

/** The same failure, with a button that leads back to `path`. */
export function leadingBack(reason: SignInFailure | Refusal, path: string): { action: Message['action'] } {
  const { label } = failures[reason].action ?? again;
  return { action: { label, href: `/auth/login?returnTo=${encodeURIComponent(path)}` } };
}

/** What an account lacks, on the page that refuses it. */
export const lacking = {
  needed: 'Needed',
  signedInAs: 'Signed in as',
  held: 'What your account holds (shown in development only)',
  role: (name: string) => `the role ${name}`,
  oneOfRoles: (names: string) => `one of the roles ${names}`,
  allRoles: (names: string) => `all of the roles ${names}`,
  scopes: (names: string) => `the scopes ${names}`,
  otherAccount: 'an account of another kind',
  nothing: 'none',
};

function page(title: string, text: string[], action: Message['action'] = again): Message {
  return { title, text, action, other: action && action !== home ? home : undefined };
}
