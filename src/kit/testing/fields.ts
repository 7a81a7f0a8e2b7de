import { type Element, findAll, findTags, textOf } from './html.ts';

/** What a field holds: a text, whether a box is ticked, or what is chosen of several. */
export type TypedValue = string | number | boolean | readonly string[];

/** What is typed into a form, by field name. A list is several values of one name; true and false tick a box and clear it. */
export type Fields = Readonly<Record<string, TypedValue>>;

/**
 * What the controls of a field send after somebody typed this into it: each for itself, as a form sends them in the order of
 * the page.
 *
 * @param controls those of one name: several are boxes or buttons of one group
 * @throws Error for what no browser would let a person do
 */
export function typeInto(
  controls: readonly Element[],
  field: string,
  value: unknown,
): ReadonlyMap<Element, string[]> {
  if (typeof value === 'boolean') return tick(controls, field, value);
  const values = Array.isArray(value) ? value : [value];
  const texts = values.map((one) => {
    if (typeof one === 'string' || Number.isFinite(one)) return String(one);
    throw new TypeError(
      `The field "${field}" takes a string, a number, true, false or a list of strings, but it was given ${kindOf(one)}.`,
    );
  });
  const choices = controls.flatMap(choicesOf);
  if (choices.length === 0) return write(controls, texts);
  if (texts.length > 1 && !takesSeveral(controls))
    throw new Error(`The field "${field}" takes one choice, but it was given ${texts.length}.`);
  const chosen = new Set<Choice>();
  for (const text of texts) chosen.add(choose(choices, field, text));
  const choosable = new Set(choices.map(({ control }) => control));
  return new Map(
    [...choosable].map((control) => [
      control,
      choices.filter((one) => one.control === control && chosen.has(one)).map((one) => one.value),
    ]),
  );
}

/** What is in a field before anybody types. */
export function filled(control: Element): string[] {
  const { tag, attributes, children } = control;
  if (tag === 'textarea') return [children.join('')];
  if (tag === 'select') return selected(control);
  if (isBox(control)) return attributes.checked === undefined ? [] : [attributes.value ?? 'on'];
  return attributes.type === 'file' ? [] : [attributes.value ?? ''];
}

/** The same, as `typeInto` takes it. */
export function holds(controls: readonly Element[]): TypedValue {
  const values = controls.flatMap(filled);
  const boxes = controls.filter(isCheckbox);
  if (boxes.length === 1) return boxes.flatMap(filled).length > 0;
  return takesSeveral(controls) || values.length > 1 ? values : (values[0] ?? '');
}

/** What nobody can press, choose or type into: disabled itself, or by the fieldset or group of options around it. */
export function disabledIn(page: Element): ReadonlySet<Element> {
  const disabled = findAll(page, ({ attributes }) => attributes.disabled !== undefined);
  const inside = disabled
    .filter(({ tag }) => /^(fieldset|optgroup)$/.test(tag))
    .flatMap((set) => findAll(set, () => true));
  return new Set([...disabled, ...inside]);
}

function tick(controls: readonly Element[], field: string, value: boolean): Map<Element, string[]> {
  // A hidden field beside the box, which says what counts where it is not ticked, is sent as it is.
  const boxes = controls.filter(isCheckbox);
  if (boxes.length === 0)
    throw new Error(`The field "${field}" is not a box to tick, but it was given ${value}.`);
  if (value && boxes.length > 1) {
    throw new Error(
      `The field "${field}" has ${boxes.length} boxes. Name those to tick: ${names(boxes.flatMap(choicesOf))}.`,
    );
  }
  return new Map(boxes.map((box) => [box, value ? [box.attributes.value ?? 'on'] : []]));
}

/**
 * One text for each, from the first on; the others stay as they are. More of them are of controls that a script adds, after
 * the last.
 */
function write(controls: readonly Element[], texts: readonly string[]): Map<Element, string[]> {
  const shown = controls.filter(({ attributes }) => attributes.type !== 'hidden');
  const places = shown.length > 0 ? shown : controls;
  return new Map(
    places
      .slice(0, texts.length)
      .map((control, index) => [
        control,
        texts.slice(index, index === places.length - 1 ? undefined : index + 1),
      ]),
  );
}

interface Choice {
  control: Element;
  value: string;
  /** What a person reads, where that is known. */
  text: string;
}

function choicesOf(control: Element): Choice[] {
  if (control.tag === 'select') {
    return enabledOptions(control).map((option) => ({
      ...{ control, value: optionValue(option) },
      text: textOf(option),
    }));
  }
  const value = control.attributes.value ?? 'on';
  return isBox(control) ? [{ control, value, text: value }] : [];
}

function choose(choices: readonly Choice[], field: string, text: string): Choice {
  const choice = choices.find(({ value }) => value === text) ?? choices.find((one) => one.text === text);
  if (choice) return choice;
  throw new Error(`The field "${field}" has no choice "${text}". It has: ${names(choices)}.`);
}

function selected(select: Element): string[] {
  const enabled = enabledOptions(select);
  const marked = findTags(select, 'option').filter(({ attributes }) => attributes.selected !== undefined);
  // Of several that are marked the last counts, of none the first that somebody could choose.
  const chosen =
    select.attributes.multiple !== undefined ? marked : [...enabled.slice(0, 1), ...marked].slice(-1);
  return chosen.filter((option) => enabled.includes(option)).map(optionValue);
}

function enabledOptions(select: Element): Element[] {
  const disabled = disabledIn(select);
  return findTags(select, 'option').filter((option) => !disabled.has(option));
}

const optionValue = (option: Element) => option.attributes.value ?? textOf(option);

const isCheckbox = ({ attributes }: Element) => attributes.type === 'checkbox';

const isBox = ({ tag, attributes }: Element) =>
  tag === 'input' && /^(checkbox|radio)$/.test(attributes.type ?? '');

const takesSeveral = (controls: readonly Element[]) =>
  controls.some(({ attributes }) => attributes.multiple !== undefined) ||
  controls.filter(isCheckbox).length > 1;

function kindOf(value: unknown): string {
  if (value instanceof Date) return "a Date: write it as the field sends it, such as '2030-01-31'";
  return Array.isArray(value) ? 'a list of lists' : String(value);
}

function names(choices: readonly Choice[]): string {
  return choices.map(({ value }) => `"${value}"`).join(', ') || 'none';
}
