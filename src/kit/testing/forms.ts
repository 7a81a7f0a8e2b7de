import { type Element, findAll, findTags, textOf } from './html.ts';

/** What is typed into a form, by field name. A list is several values of one name; true and false tick a box and clear it. */
export type Fields = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** What the browser would send. */
export interface Submission {
  method: 'GET' | 'POST';
  action: string;
  multipart: boolean;
  fields: [string, string][];
}

/**
 * The form that holds the button of this name, or that has this name or address itself, filled in.
 *
 * @throws Error that says which forms there are, or which fields the form has
 */
export function fillIn(page: Element, url: string, name: string, typed: Fields): Submission {
  const { form, button } = findForm(page, name);
  const fields = fieldsOf(page, form, button);
  const known = new Set(controlsOf(page, form).map(({ attributes }) => attributes.name));
  for (const [field, value] of Object.entries(typed)) {
    if (!known.has(field)) {
      const typable = [...known].filter((one) => one && one !== 'kit-form');
      throw new Error(`The form "${name}" has no field "${field}". It has: ${list(typable)}.`);
    }
    fields.set(field, valuesOf(value, page, form, field));
  }
  const method = button?.attributes.formmethod ?? form.attributes.method ?? 'get';
  const action = button?.attributes.formaction ?? form.attributes.action ?? '';
  return {
    method: method.toUpperCase() === 'POST' ? 'POST' : 'GET',
    action: new URL(action || url, url).href,
    multipart: form.attributes.enctype === 'multipart/form-data',
    fields: [...fields].flatMap(([field, values]) => values.map((one): [string, string] => [field, one])),
  };
}

function findForm(page: Element, name: string): { form: Element; button: Element | undefined } {
  const forms = findTags(page, 'form').map((form) => ({ form, buttons: buttonsOf(page, form) }));
  const pressed = forms.flatMap(({ form, buttons }) =>
    buttons.filter((button) => nameOf(page, button) === name).map((button) => ({ form, button })),
  );
  const named = forms
    .filter(({ form }) => formNames(page, form).includes(name))
    .map(({ form, buttons }) => ({ form, button: buttons[0] }));
  const [found, ...others] = pressed.length > 0 ? pressed : named;
  if (!found) throw new Error(`The page has no form "${name}". ${whatThereIs(page, forms)}`);
  if (others.length > 0) {
    const addresses = [found, ...others].map(({ form }) => form.attributes.action ?? '');
    throw new Error(
      `The page has ${others.length + 1} forms "${name}". Name one by its address: ${list(addresses)}.`,
    );
  }
  return found;
}

/** A label of its own, its name, its id, or where it posts to. */
function formNames(page: Element, form: Element): (string | undefined)[] {
  const { name, id, action } = form.attributes;
  return [nameOf(page, form, false), name, id, action];
}

function whatThereIs(page: Element, forms: { form: Element; buttons: Element[] }[]): string {
  if (forms.length === 0) return 'It has no forms at all.';
  const described = forms.map(({ form, buttons }) => {
    const labels = buttons.map((button) => `"${nameOf(page, button)}"`).join(' and ');
    return `${labels || 'no button'} (${form.attributes.action || 'to the page itself'})`;
  });
  return `Its forms have the buttons: ${described.join(', ')}.`;
}

/** The accessible name: aria-labelledby, aria-label, then what the button says. */
function nameOf(page: Element, element: Element, byContent = true): string {
  const { 'aria-label': label, 'aria-labelledby': by, value, alt } = element.attributes;
  const labelled = by && findAll(page, ({ attributes }) => attributes.id === by)[0];
  if (labelled) return textOf(labelled);
  if (label) return label.trim();
  if (!byContent) return '';
  return element.tag === 'input' ? (alt ?? value ?? 'Submit') : textOf(element);
}

function buttonsOf(page: Element, form: Element): Element[] {
  return controlsOf(page, form).filter(
    ({ tag, attributes: { type } }) =>
      (tag === 'button' && (type ?? 'submit') === 'submit') ||
      (tag === 'input' && /^(submit|image)$/.test(type ?? '')),
  );
}

/** Those inside, and those elsewhere that say they belong to it. */
function controlsOf(page: Element, form: Element): Element[] {
  const tags = ['input', 'textarea', 'select', 'button'];
  const inside = findTags(form, ...tags).filter(({ attributes }) => attributes.form === undefined);
  const { id } = form.attributes;
  const outside = findAll(page, ({ tag, attributes }) => tags.includes(tag) && attributes.form === id);
  return id ? [...inside, ...outside] : inside;
}

function fieldsOf(page: Element, form: Element, button: Element | undefined): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  for (const control of controlsOf(page, form)) {
    const { name, disabled } = control.attributes;
    if (!name || disabled !== undefined) continue;
    const values = control.tag === 'button' || isButton(control) ? pressed(control, button) : filled(control);
    if (values.length > 0) fields.set(name, [...(fields.get(name) ?? []), ...values]);
  }
  return fields;
}

const isButton = ({ tag, attributes: { type } }: Element) =>
  tag === 'input' && /^(submit|image|button|reset)$/.test(type ?? '');

const pressed = (control: Element, button: Element | undefined) =>
  control === button ? [control.attributes.value ?? ''] : [];

/** What is in a field before anybody types. */
function filled({ tag, attributes, children }: Element): string[] {
  if (tag === 'textarea') return [children.join('')];
  if (tag === 'select') return chosen({ tag, attributes, children });
  if (/^(checkbox|radio)$/.test(attributes.type ?? '')) {
    return attributes.checked === undefined ? [] : [attributes.value ?? 'on'];
  }
  return attributes.type === 'file' ? [] : [attributes.value ?? ''];
}

function chosen(select: Element): string[] {
  const options = findTags(select, 'option');
  const selected = options.filter(({ attributes }) => attributes.selected !== undefined);
  const first = select.attributes.multiple === undefined ? options.slice(0, 1) : [];
  const counted = selected.length > 0 ? selected : first;
  return counted.map((option) => option.attributes.value ?? textOf(option));
}

function valuesOf(value: Fields[string], page: Element, form: Element, field: string): string[] {
  if (typeof value === 'boolean') {
    const box = controlsOf(page, form).find(
      ({ attributes: { name, type } }) => name === field && type === 'checkbox',
    );
    return value ? [box?.attributes.value ?? 'on'] : [];
  }
  return Array.isArray(value) ? [...value] : [String(value)];
}

function list(names: readonly (string | undefined)[]): string {
  return names.map((name) => `"${name}"`).join(', ') || 'none';
}
