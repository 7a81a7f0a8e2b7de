import type { Request } from 'express';
import { leadingBack } from '../../errors/failure-pages.ts';
import type { Message } from '../../errors/message.ts';
import { localAddress } from '../../http/return-path.ts';
import { sentFields } from './read-form.ts';
import { isSecretField } from './secret-fields.ts';

/**
 * The page for a form whose session ended while somebody filled it in. It holds the form again, in hidden fields: they
 * sign in in a new tab and send it from here, with the mark of the person it was printed for, so it acts for nobody
 * else. Undefined where nothing can be held: a form of another kind, such as one with a file, was not read.
 *
 * @param back the page that holds the form
 * @param form the schema of the form, which says what is secret
 */
export function heldForm(req: Request, back: string, form?: unknown): Partial<Message> | undefined {
  const post = localAddress(req.originalUrl);
  const sent = sentFields(req);
  if (post === undefined || sent === undefined) return undefined;
  const fields = sent.filter(([name]) => !isSecretField(form, name));
  const { action } = leadingBack('work_not_saved', back);
  return {
    text: [
      { key: 'held-form.text' },
      ...(fields.length < sent.length ? [{ key: 'held-form.secrets' } as const] : []),
    ],
    action: { ...action, newTab: true },
    other: { label: { key: 'button.send-again' }, post, fields },
  };
}
