import { type Language, say, sayParagraphs } from './language.ts';
import type { Action, Message } from './message.ts';

/** What `views/message.ejs` prints of a message. */
export type PrintedMessage = ReturnType<typeof inWords>;

/** A message in the words of a language: done once, where it is printed. */
export function inWords({ title, text, action, other, facts, address }: Message, language: Language) {
  return {
    title: say(title, language),
    text: sayParagraphs(text, language),
    action: action && labelled(action, language),
    other: other && labelled(other, language),
    facts: facts?.map(({ label, value }) => ({ label: say(label, language), value: say(value, language) })),
    kitAddress: address,
  };
}

function labelled(action: Action, language: Language) {
  return { ...action, label: say(action.label, language) };
}
