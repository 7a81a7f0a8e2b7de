import { InvalidForm } from '../../errors/invalid-form.ts';
import type { PageAction, PageContext } from '../page.ts';
import { checkForm, mistakesOf } from './check-form.ts';
import type { FormBody } from './form-body.ts';
import { fieldsOf } from './kinds.ts';
import { type Mistakes, type PageForm, typedValues } from './page-form.ts';

/** What came of an action: what `run` returned, or the form with what is wrong with it. */
type Outcome = { next: unknown; refused?: never } | { next?: never; refused: PageForm };

/** Runs an action, where its form is as its schema says. */
export async function runAction(name: string, action: PageAction, at: PageContext): Promise<Outcome> {
  const { form } = action;
  const body = at.req.body as FormBody;
  const refused = (mistakes: Mistakes): Outcome => ({
    refused: { action: name, values: typedValues(form, body), ...mistakes },
  });
  try {
    const checked = form ? await checkForm(form, body, at.language) : { values: {} };
    if ('mistakes' in checked) return refused(checked.mistakes);
    return { next: await action.run({ ...at, values: checked.values }) };
  } catch (error) {
    if (!(error instanceof InvalidForm)) throw error;
    return refused(thrown(error, action, at));
  }
}

function thrown(error: InvalidForm, { form }: PageAction, { req, language }: PageContext): Mistakes {
  const names = form ? fieldsOf(form).map(({ name }) => name) : Object.keys(req.body as FormBody);
  const { errors, summary } = error.inWords(language, names);
  const all = [
    ...Object.entries(errors).map(([name, message]) => ({ path: [name], message })),
    ...summary.map((message) => ({ path: [], message })),
  ];
  return mistakesOf(all, names);
}
