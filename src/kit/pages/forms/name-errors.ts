import escapeHtml from 'escape-html';
import type { Language } from '../../errors/language.ts';

/**
 * Puts the name of its field before each sentence of `/kit/errors`, as "Enter something here." alone says nothing in a
 * list, and two links of one name are two of a kind to a screen reader. A sentence that names the field itself stays as
 * it is. The name is what the page calls the field: its `<label>`, of a group of boxes or radio buttons the `<legend>`.
 *
 * @param html a page with a form that is wrong, as it was printed
 */
export function nameErrors(html: string, language: Language): string {
  const labels = labelsIn(html);
  const pattern = escapeHtml(language.text('form.in-summary'));
  const lines = [...html.matchAll(link)].map(([, field = '', text = '']) => ({ field, text }));
  const behind = (label: string, text: string) =>
    pattern.replace(/\{(label|text)\}/g, (_, name) => (name === 'label' ? label : text));
  const withLabel = ({ field, text }: Line) => {
    const label = labels.get(field);
    return label === undefined ? text : behind(label, text);
  };
  const short = (line: Line) => (isSaidIn(line.text, labels.get(line.field)) ? line.text : withLabel(line));
  const ways = [short, withLabel].map((say) => ({ say, times: Map.groupBy(lines, say) }));
  return html.replace(link, (_, field: string, text: string) => {
    const line = { field, text };
    const clear = ways.find(({ say, times }) => times.get(say(line))?.length === 1);
    // Without a label, or with one that is not the only one: its own name is better than two links that are alike.
    return `<a href="#${field}">${clear ? clear.say(line) : behind(field, text)}</a>`;
  });
}

/**
 * Whether a sentence has the label in it, as whole words: "Enter a title." for "Title". Of a label such as "To" or "A",
 * capitals count, as most sentences have such a word in them. "name@example.com" is no name. Both are HTML still.
 */
function isSaidIn(text: string, label: string | undefined): boolean {
  if (!label) return false;
  const [sentence, words] = label.length > 2 ? [text.toLowerCase(), label.toLowerCase()] : [text, label];
  for (let at = sentence.indexOf(words); at !== -1; at = sentence.indexOf(words, at + 1)) {
    const end = at + words.length;
    // A character may be two units. No more is looked at, as what was typed may be in a sentence.
    const isWithin = within.test(
      `${sentence.slice(Math.max(0, at - 2), at)}<${sentence.slice(end, end + 2)}`,
    );
    if (!isWithin) return true;
  }
  return false;
}

/** What makes the label a part of another word, before or behind it. No text has a `<` in it. */
const within = /[\p{L}\p{M}\p{N}_@.&-]<|<[\p{L}\p{M}\p{N}_@-]/u;

interface Line {
  field: string;
  text: string;
}

/** As `/kit/errors` prints it. What somebody typed has no tags. */
const link = /<a href="#([^"]*)" data-field>([^<]*)<\/a>/g;

const tag = /<(\/?)(label|legend|fieldset|input|select|textarea)\b((?:"[^"]*"|'[^']*'|[^"'>])*)>/gi;

/** What fields are called, by their ids as a link has them. Both are HTML still. */
function labelsIn(html: string): Map<string, string> {
  const labels = new Map<string, string>();
  const groups: { id: string | undefined; legend?: string }[] = [];
  /** The id of the first box of each name. */
  const boxes = new Map<string, string | undefined>();
  let label: { start: number; id: string | undefined } | undefined;
  let legendStart = 0;
  const call = (id: string | undefined, name: string | undefined, isBetter = false) => {
    const key = id && encodeURIComponent(id);
    if (key && name && (isBetter || !labels.has(key))) labels.set(key, name);
  };

  for (const { index, 0: whole, 1: closing, 2: element = '', 3: rest = '' } of html.matchAll(tag)) {
    const end = index + whole.length;
    const id = attributeOf(rest, 'id');
    switch (`${closing}${element}`.toLowerCase()) {
      case 'fieldset':
        groups.push({ id });
        break;
      case '/fieldset':
        groups.pop();
        break;
      case 'legend':
        legendStart = end;
        break;
      case '/legend': {
        const group = groups.at(-1) ?? { id: undefined };
        group.legend = textOf(html.slice(legendStart, index));
        call(group.id, group.legend);
        break;
      }
      case 'label':
        label = { start: end, id: attributeOf(rest, 'for') };
        break;
      case '/label':
        if (label) call(label.id, textOf(html.slice(label.start, index)));
        label = undefined;
        break;
      case 'input':
      case 'select':
      case 'textarea': {
        if (label) label.id ??= id;
        call(id, attributeOf(rest, 'aria-label'));
        const [type, name = ''] = [attributeOf(rest, 'type'), attributeOf(rest, 'name')];
        // Several of one name are one field: the label of one of them is only what it stands for.
        if (type !== 'radio' && type !== 'checkbox') break;
        if (type === 'radio' || boxes.has(name)) call(boxes.get(name) ?? id, groups.at(-1)?.legend, true);
        if (!boxes.has(name)) boxes.set(name, id);
      }
    }
  }
  return labels;
}

function attributeOf(attributes: string, name: string): string | undefined {
  const [, double, single, bare] =
    new RegExp(`(?:^|\\s)${name}=(?:"([^"]*)"|'([^']*)'|([^\\s"'>]+))`, 'i').exec(attributes) ?? [];
  return double ?? single ?? bare;
}

/** Without what a label adds in brackets or as a mark, such as "(optional)", and without the field itself. */
function textOf(html: string): string {
  return html
    .replace(/<(select|textarea)\b[\s\S]*?<\/\1>/gi, '')
    .replace(/<(?:"[^"]*"|'[^']*'|[^"'>])*>/g, '')
    .replaceAll('<', '&lt;')
    .replace(/\s+/g, ' ')
    .replace(/\([^()]*\) ?$/, '')
    .replace(/(?<![\s:*])[\s:*]+$/, '')
    .trim();
}
