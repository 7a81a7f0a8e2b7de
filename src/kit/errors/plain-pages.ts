import type { Message } from './message.ts';

const home = { label: 'Go to the start page', href: '/' };

const notUnderstood: Message = {
  title: 'That request was not understood',
  text: [
    'Your browser sent something this site cannot read. Nothing was changed.',
    'Go back and try once more.',
  ],
  action: home,
};

const notFound: Message = {
  title: 'There is no page here',
  text: ['The address may be misspelt, or the page may have moved.'],
  action: home,
};

/** What a person is told about failures that have no words of their own. */
export const plainPages = {
  notFound,
  notUnderstood,

  wrongMethod: {
    title: 'This page cannot be used that way',
    text: ['The address is right, but the request was of a kind that it does not take. Nothing was changed.'],
    action: home,
  } satisfies Message,

  tooMany: (wait: string): Message => ({
    title: 'Too many tries',
    text: [
      `There were more requests from your network than we take in a minute. Wait ${wait}, then try again.`,
      'If you share your network with many people, it may not have been you.',
    ],
    action: home,
  }),

  broken: {
    title: 'Something went wrong here',
    text: [
      'This is our fault, not yours. Try again in a moment.',
      'If it keeps happening, tell us the request id below and what you were doing.',
    ],
    action: home,
  } satisfies Message,

  storeAway: {
    title: 'We cannot look you up right now',
    text: [
      'The place where we keep sign-ins does not answer. You have not been signed out.',
      'It usually comes back by itself. Try again in a few seconds.',
    ],
    action: home,
  } satisfies Message,

  byStatus: {
    400: notUnderstood,
    404: notFound,
    408: {
      title: 'That took too long',
      text: ['The connection was too slow to read your request. Nothing was changed.', 'Try once more.'],
      action: home,
    },
    413: {
      title: 'That was too much at once',
      text: [
        'What you sent is larger than this site accepts. Nothing was changed.',
        'Send less and try again.',
      ],
      action: home,
    },
    415: {
      title: 'That form was sent in a way we cannot read',
      text: ['Nothing was changed.', 'Open the page again, fill in the form and send it once more.'],
      action: home,
    },
  } as Readonly<Record<number, Message>>,
};
