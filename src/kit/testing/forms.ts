import { disabledIn, type Fields, filled, holds, type TypedValue, typeInto } from './fields.ts';
import { type Element, findAll, findTags, textOf } from './html.ts';

/** What the browser would send. */
export interface Submission {
  method: 'GET' | 'POST';
  action: string;
  multipart: boolean;
  fields: [string, string][];
}

/** Where a page came from, and what it is. */
interface Answered {
  url: string;
  status: number;
  heading: string;
}

/**
 * The form that holds the button of this name, or that has this name or address itself, filled in.
 *
 * @throws Error that says which forms there are, or which fields the form has
 */
export function fillIn(page: Element, { url, ...answer }: Answered, name: string, typed: Fields): Submission {
  const { form, button } = findForm(page, name, answer);
  const controls = controlsOf(page, form);
  const disabled = disabledIn(page);
  if (button && disabled.has(button)) throw new Error(`The button "${name}" is disabled.`);
  const enabled = controls.filter((control) => !disabled.has(control));
  const sent = new Map(enabled.map((control) => [control, sentBy(control, button)]));
  for (const [field, value] of Object.entries(typed)) {
    const named = fieldNamed(controls, name, field).filter((control) => !disabled.has(control));
    if (named.length === 0) throw new Error(`The field "${field}" is disabled.`);
    for (const [control, values] of typeInto(named, field, value)) sent.set(control, values);
  }
  const method = button?.attributes.formmethod ?? form.attributes.method ?? 'get';
  const action = button?.attributes.formaction ?? form.attributes.action ?? '';
  return {
    method: method.toUpperCase() === 'POST' ? 'POST' : 'GET',
    action: new URL(action || url, url).href,
    multipart: form.attributes.enctype === 'multipart/form-data',
    fields: [...sent].flatMap(([{ attributes }, values]) => entries(attributes, values)),
  };
}

/**
 * What a field of the page's form holds, as `submit` takes it: a text; true or false for a box to tick; a list where
 * several can be chosen.
 *
 * @param name of the form, as for `fillIn`; needed where several have such a field
 */
export function readField(page: Element, field: string, name?: string): TypedValue {
  const forms = name === undefined ? findTags(page, 'form') : [findForm(page, name).form];
  const found = forms.map((form) => controlsOf(page, form).filter(isField));
  const [first, ...others] = found.filter((controls) => controls.some(hasName(field)));
  if (others.length > 0) {
    throw new Error(
      `The page has ${others.length + 1} forms with a field "${field}". Say which: page.field('${field}', 'the button of the form').`,
    );
  }
  return holds(fieldNamed(first ?? found.flat(), name, field));
}

/** @throws Error that says which fields there are */
function fieldNamed(controls: Element[], form: string | undefined, field: string): Element[] {
  const named = controls.filter(hasName(field));
  if (named.length > 0) return named;
  const names = new Set(controls.map(({ attributes }) => attributes.name));
  const typable = [...names].filter((one) => one && one !== 'kit-form');
  throw new Error(
    `The ${form === undefined ? 'page' : `form "${form}"`} has no field "${field}". It has: ${list(typable)}.`,
  );
}

const hasName =
  (field: string) =>
  ({ attributes }: Element) =>
    attributes.name === field;

function findForm(
  page: Element,
  name: string,
  { status, heading }: Omit<Answered, 'url'> = { status: 200, heading: '' },
): { form: Element; button: Element | undefined } {
  const forms = findTags(page, 'form').map((form) => ({ form, buttons: buttonsOf(page, form) }));
  const pressed = forms.flatMap(({ form, buttons }) =>
    buttons.filter((button) => nameOf(page, button) === name).map((button) => ({ form, button })),
  );
  const named = forms
    .filter(({ form }) => formNames(page, form).includes(name))
    .map(({ form, buttons }) => ({ form, button: buttons[0] }));
  const [found, ...others] = pressed.length > 0 ? pressed : named;
  if (!found) {
    const instead = status < 400 ? '' : `It is the answer ${status}, "${heading}". `;
    throw new Error(`The page has no form "${name}". ${instead}${whatThereIs(page, forms)}`);
  }
  if (others.length > 0) {
    const all = [found, ...others];
    const addresses = all.map(({ form }) => form.attributes.action ?? '');
    const advice =
      new Set(addresses).size === all.length
        ? `Name one by its address: ${list(addresses)}.`
        : 'Give each an aria-label or an id of its own, and name one by that.';
    throw new Error(`The page has ${all.length} forms "${name}". ${advice}`);
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

/** Those inside, and those elsewhere that say they belong to it, in the order of the page. */
function controlsOf(page: Element, form: Element): Element[] {
  const tags = ['input', 'textarea', 'select', 'button'];
  const inside = new Set(findTags(form, ...tags));
  const { id } = form.attributes;
  return findAll(page, (control) => {
    const { form: owner } = control.attributes;
    return owner === undefined ? inside.has(control) : tags.includes(control.tag) && !!id && owner === id;
  });
}

/** What is sent when nobody types anything. */
function sentBy(control: Element, button: Element | undefined): string[] {
  return isField(control) ? filled(control) : pressed(control, button);
}

/** As HTML has it: what has no name is not sent, and a line ends with `\r\n`. */
function entries({ name, type }: Element['attributes'], values: readonly string[]): [string, string][] {
  // A picture to press says where it was pressed.
  if (type === 'image') return values.flatMap(() => coordinates(name ? `${name}.` : ''));
  if (!name) return [];
  return values.map((value) => [name, value.replace(/\r\n?|\n/g, '\r\n')]);
}

const coordinates = (prefix: string): [string, string][] => [
  [`${prefix}x`, '0'],
  [`${prefix}y`, '0'],
];

const isField = ({ tag, attributes: { type } }: Element) =>
  tag !== 'button' && !(tag === 'input' && /^(submit|image|button|reset)$/.test(type ?? ''));

const pressed = (control: Element, button: Element | undefined) =>
  control === button ? [control.attributes.value ?? ''] : [];

function list(names: readonly (string | undefined)[]): string {
  return names.map((name) => `"${name}"`).join(', ') || 'none';
}
