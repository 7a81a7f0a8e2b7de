import type { Request } from 'express';
import { leadingBack } from '../../errors/failure-pages.ts';
import type { Message } from '../../errors/message.ts';
import { localAddress } from '../../http/return-path.ts';
import { isSecretName } from '../../log/index.ts';
import { sentFields } from './form-body.ts';
import { fieldsOf } from './kinds.ts';
import type { FormSchema } from './schema.ts';

/**
 * The page for a form whose session ended while somebody filled it in. It holds the form again, in hidden fields: they
 * sign in in a new tab and send it from here, with the mark of the person it was printed for, so it acts for nobody
 * else. Undefined where nothing can be held: what was sent was no form, or too large.
 *
 * @param back the page that holds the form
 * @param form the schema of the form, which says what is secret
 */
export function heldForm(req: Request, back: string, form?: FormSchema): Partial<Message> | undefined {
  const held = hold(req, form);
  if (!held) return undefined;
  const { action } = leadingBack('work_not_saved', back);
  return {
    text: [{ key: 'held-form.text' }, ...held.text],
    action: { ...action, newTab: true },
    other: held.sendAgain,
  };
}

/**
 * A form that cannot be carried out just now (503): the database, Redis or an API is away. Its page holds the form again,
 * so that nothing typed is lost, and one press sends it once more.
 *
 * @param answer the page of the failure
 */
export function heldForLater(req: Request, answer: Message, form?: FormSchema): Message {
  const held = hold(req, form);
  if (!held) return answer;
  return { ...answer, text: [...answer.text, ...held.text], action: held.sendAgain, other: answer.action };
}

/** What was sent but secrets, which nobody is to find in a page. */
function hold(req: Request, form?: FormSchema) {
  const post = localAddress(req.originalUrl);
  const sent = sentFields(req);
  if (post === undefined || sent === undefined) return undefined;
  const known = new Map(form && fieldsOf(form).map(({ name, secret }) => [name, secret]));
  const fields = sent.filter(([name]) => !(known.get(name) ?? isSecretName(name)));
  const typeAgain = { key: 'held-form.secrets' } as const;
  return {
    text: fields.length < sent.length ? [typeAgain] : [],
    sendAgain: { label: { key: 'button.send-again' }, post, fields } as const,
  };
}
