/** The buttons, the layout's parts and the kit's own pages. */
export const pageTexts = {
  'button.sign-in': 'Sign in',
  'button.sign-up': 'Sign up',
  'button.sign-in-again': 'Sign in again',
  'button.sign-out': 'Sign out',
  'button.stay-signed-in': 'Stay signed in',
  'button.sign-out-there': 'Sign out of {provider}',
  'button.use-another-account': 'Use another account',
  'button.try-again': 'Try again',
  'button.open-again': 'Open the page again',
  'button.send-again': 'Send again',
  'button.home': 'Go to the home page',
  'button.open-page': 'Open the page',
  'button.copy': 'Copy',
  'button.copied': 'Copied',
  'button.continue': 'Continue',
  'button.reload': 'Reload this page',
  'button.close': 'Close',
  'button.cancel': 'Cancel',

  'header.signed-in-as': 'Signed in as',
  'header.store-away':
    "We can't check whether you're signed in right now. You haven't been signed out. Please try again in a minute.",

  'ending.idle': "You've been inactive for a while. For your security we'll sign you out at {time}.",
  'ending.absolute':
    "You'll be signed out at {time}. Sign in again in a new tab, then come back here. You won't lose what you've typed.",
  'ending.ended':
    "Your session has ended. Sign in again in a new tab, then come back here. You won't lose what you've typed.",
  'ending.signed-out':
    "You've been signed out in another tab. Sign in again in a new tab, then come back here. You won't lose what you've typed.",
  'ending.other-person':
    "You've signed in as {name} in another tab. This page was opened for {before}. Reload it to continue as {name}.",
  'ending.account':
    "You've signed in with another account in another tab. Reload this page to continue with that account.",
  'ending.stayed': "You're still signed in.",
  'ending.failed': "That didn't work. Please try again.",
  'ending.new-tab': '(opens a new tab)',
  'ending.label': 'Your session',

  'said.signed-in-again': 'Thanks for signing in again. You can carry on now.',

  'held-form.text': 'Nothing was saved yet. Sign in in a new tab, then press Send again.',
  'held-form.secrets':
    "For your security, passwords and similar fields aren't kept. You'll need to type them again.",

  'provider.unknown': 'the sign-in service',
  'chooser.title': 'Choose how to sign in',
  'chooser.last': 'Last used',
  'chooser.continue': 'Continue with {provider}',
  'leaving.title': 'Continue to {provider}',
  'leaving.sign-in': "We're taking you to {provider} to sign in. If nothing happens, choose Continue.",
  'leaving.sign-out': [
    "You've signed out of this site. We're taking you to {provider} to sign you out there too.",
    'If nothing happens, choose Continue.',
  ],

  'sign-out.title': 'Sign out?',
  'sign-out.text': ["We'll sign you out of this site and of {provider}."],

  'other-site.title': 'Continue to sign in?',
  'other-site.text': [
    "A link on another site brought you here. You're signed in at the moment.",
    'If you continue, you may be signed in with another account. Only continue if you were expecting this.',
  ],
  'third-party.title': 'Continue to sign in?',
  'third-party.text': [
    'Another site sent you here to sign in. Only continue if you were expecting this.',
    "We'll take you to {provider} to sign in, then to the page you asked for.",
  ],

  'signed-out.page': 'Signed out',
  'signed-out.title': "You've signed out",
  'signed-out.ended': 'Your session has ended',
  'signed-out.not-signed-in': "You're not signed in",
  'signed-out.still-signed-in': "You're signed in",
  'signed-out.to-leave': 'To leave, choose Sign out at the top of the page.',
  'signed-out.provider-stays':
    "You may still be signed in at {provider}. If you're on a shared computer, sign out there too.",
  'signed-out.this-site': 'This site',
  'signed-out.others.one': 'Your {count} other session',
  'signed-out.others.other': 'Your {count} other sessions',
  'signed-out.access': "This app's access to your account",
  'signed-out.at-provider': 'Your sign-in at {provider}',
  'signed-out.how.ended': 'Ended',
  'signed-out.how.revoked': 'Revoked',
  'signed-out.how.still-there': 'Still signed in',
  'signed-out.how.unknown': 'Unknown',

  'ended.signed-out': 'You signed out.',
  'ended.idle.one': 'You were signed out because you were inactive for {count} minute.',
  'ended.idle.other': 'You were signed out because you were inactive for {count} minutes.',
  'ended.expired.one': 'You were signed out because sessions last at most {count} hour.',
  'ended.expired.other': 'You were signed out because sessions last at most {count} hours.',
  'ended.other-device': 'You signed this browser out from another device.',
  'ended.provider': '{Provider} ended your session.',
  'ended.operator': 'The people who run this site ended your session.',
  'ended.account': '{Provider} no longer accepts this account, so we signed you out.',
  'ended.not-admitted': "Your account isn't allowed to use this app any more, so we signed you out.",
  'ended.provider-session': 'Your sign-in at {provider} has ended, so we signed you out here too.',
  'ended.not-renewed': "{Provider} didn't renew your sign-in, so we signed you out.",
  'ended.provider-changed':
    'This site no longer uses the sign-in service you signed in with, so we signed you out.',
  'ended.replaced': 'You signed in again in this browser, which replaced this session.',

  'sessions.title': 'Where you are signed in',
  'sessions.nav': 'Sessions',
  'sessions.lead': "Don't recognise one of these? Sign it out, then change your password.",
  'sessions.this-browser': 'This browser',
  'sessions.signed-in': 'Signed in',
  'sessions.provider': 'with {provider}',
  'sessions.last-seen': 'Last seen',
  'sessions.active-now': 'Active now',
  'sessions.expires': 'Expires',
  'sessions.sooner.one': "A session ends sooner if it isn't used for {count} minute.",
  'sessions.sooner.other': "A session ends sooner if it isn't used for {count} minutes.",
  'sessions.sooner-hours.one': "A session ends sooner if it isn't used for {count} hour.",
  'sessions.sooner-hours.other': "A session ends sooner if it isn't used for {count} hours.",
  'sessions.only-this': "You're not signed in anywhere else.",
  'sessions.others': 'Other browsers',
  'sessions.others-today': 'Other browsers, active in the last 24 hours',
  'sessions.others-earlier': 'Other browsers, active earlier',
  'sessions.more.one':
    'There may be {count} more session, older than these. To sign it out too, sign out everywhere else.',
  'sessions.more.other':
    'There are up to {count} more sessions, older than these. To sign them out too, sign out everywhere else.',
  'sessions.which': '{device}, signed in {time}',
  'sessions.which-this': 'this browser',
  'sessions.several': 'Sign out of several sessions',
  'sessions.recent':
    "For your security, you need to have signed in within the last ten minutes. If you haven't, we'll ask you to sign in again and bring you back here.",
  'sessions.sign-out-others': 'Sign out everywhere else',
  'sessions.sign-out-all': 'Sign out everywhere',
  'sessions.said.session': '{device} has been signed out.',
  'sessions.said.gone': 'That session had already ended.',
  'sessions.said.others.one': 'You signed out {count} other session.',
  'sessions.said.others.other': 'You signed out {count} other sessions.',
  'sessions.said.no-others': 'Your other sessions had already ended.',

  'device.browser-and-system': '{browser} on {system}',
  'device.browser': '{browser} on an unknown system',
  'device.system': 'A browser on {system}',
  'device.unknown': 'An unknown browser',

  'time.just-now': 'just now',
} as const;
