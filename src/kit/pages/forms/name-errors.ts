import escapeHtml from 'escape-html';
import type { Language } from '../../errors/language.ts';

/**
 * Puts the name of its field before each sentence of `/kit/errors`, as "Enter something here." alone says nothing in a
 * list, and two links of one name are two of a kind to a screen reader. The name is what the page itself calls the field:
 * its `<label>`, of a group of boxes or radio buttons the `<legend>`.
 *
 * @param html a page with a form that is wrong, as it was printed
 */
export function nameErrors(html: string, language: Language): string {
  const labels = labelsIn(html);
  const pattern = escapeHtml(language.text('form.in-summary'));
  const lines = [...html.matchAll(link)].map(([, field = '', text = '']) => ({ field, text }));
  const named = ({ field, text }: Line, label = labels.get(field)) => {
    if (label === undefined || text.toLowerCase().startsWith(label.toLowerCase())) return text;
    return pattern.replace(/\{(label|text)\}/g, (_, name) => (name === 'label' ? label : text));
  };
  const times = Map.groupBy(lines, (line) => named(line));
  return html.replace(link, (_, field: string, text: string) => {
    const sentence = named({ field, text });
    // Without a label, or with one that is not the only one: its own name is better than two links that are alike.
    const isClear = times.get(sentence)?.length === 1;
    return `<a href="#${field}">${isClear ? sentence : named({ field, text }, field)}</a>`;
  });
}

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
    .replace(/\s*\([^()]*\)\s*$/, '')
    .replace(/[\s:*]+$/, '')
    .trim();
}
