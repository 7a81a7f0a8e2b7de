/** What a person reads about requests that were turned away before, or for a reason that has nothing to do with, a sign-in. */
export const requestTexts = {
  'error.not_found.title': 'Page not found',
  'error.not_found.text': ['The address may be misspelt, or the page may have moved.'],
  'error.not_understood.title': "We couldn't understand that request",
  'error.not_understood.text': [
    "Your browser sent something this site can't read. Nothing was changed.",
    'Go back and try again.',
  ],
  'error.wrong_method.title': "This page can't be opened directly",
  'error.wrong_method.text': ['Nothing was changed.'],
  'error.too_slow.title': 'Your connection was too slow',
  'error.too_slow.text': [
    "It took too long to receive your request, so we didn't use it. Nothing was changed.",
    'Please try again.',
  ],
  'error.too_large.title': "That's too large",
  'error.too_large.text': [
    'What you sent is larger than this site accepts. Nothing was changed.',
    'Please send less and try again.',
  ],
  'error.too_many_cookies.title': 'Too many cookies for this site',
  'error.too_many_cookies.text': [
    'Your browser sent more than this site accepts, usually because it keeps too many cookies for this address.',
    "Clear this site's cookies in your browser's settings, then open the page again.",
    'In most browsers, the icon to the left of the address leads to “Cookies and site data”.',
  ],
  'error.wrong_type.title': "We couldn't read that form",
  'error.wrong_type.text': [
    "It was sent in a format that this site doesn't accept. Nothing was changed.",
    'Open the page again, fill in the form and send it again.',
  ],
  'error.other_site.title': 'We blocked this request',
  'error.other_site.text': [
    'It came from another website, so we ignored it. Nothing was changed.',
    'If you chose a button on this site yourself, open the page again, then try again.',
  ],
  'error.too_many.title': 'Too many requests',
  'error.too_many.text.one':
    "We've had too many requests from your network. Wait {count} second, then try again.",
  'error.too_many.text.other':
    "We've had too many requests from your network. Wait {count} seconds, then try again.",
  'error.broken.title': 'Something went wrong',
  'error.broken.text': [
    'This is our fault, not yours. Please try again in a moment.',
    'If it keeps happening, tell the people who run this site the request ID below and what you were doing.',
  ],
  'error.unavailable.title': "We can't do this right now",
  'error.unavailable.text': ['Please try again in a moment.'],
  'error.help': 'Get help',
  'error.request-id': 'Request ID:',
  'error.cookies-blocked':
    'Your browser blocks cookies for this site, or you opened an old link. Allow cookies, then start again.',
  'error.needed.provider': 'You need to sign in with an account from {provider}.',
  'error.needed.one-of-providers': 'You need to sign in with an account from one of these: {providers}.',
  'error.needed.role': 'Your account needs the “{role}” role.',
  'error.needed.one-of-roles': 'Your account needs one of these roles: {roles}.',
  'error.needed.all-roles': 'Your account needs all of these roles: {roles}.',
  'error.needed.scopes': 'Your sign-in needs these permissions: {scopes}.',
  'error.signed-in-as': 'Signed in as',

  'development.provider': 'Provider of your account (development only)',
  'development.roles': 'Roles on your account (development only)',
  'development.scopes': 'Scopes of your sign-in (development only)',
  'development.claims': 'Claims of your account (development only)',
  'development.none': 'none',
  'development.what-to-do': 'What to do (development only)',
  'development.mark-route':
    "parse the form's body before requireAuth, and write <%- include('/kit/form') %> inside the form; a script sends the content of <meta name=\"kit-form\"> as the header Kit-Form",
  'development.mark-view':
    'write <%- include(\'/kit/form\') %> inside each form of views/{view}.ejs; a script sends the content of <meta name="kit-form"> as the header Kit-Form',
  'development.cause': 'Cause (development only)',
  'development.console':
    'While developing: the console shows the whole error, on the line with this request ID.',
} as const;
