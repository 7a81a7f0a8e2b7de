import type { formTexts } from '../../errors/texts/forms.ts';
import type { TextsFor } from '../../errors/texts.ts';

export const forms: TextsFor<typeof formTexts> = {
  'form.title': 'Fehler: {title}',
  'form.in-summary': '{label}: {text}',

  'form.required': 'Füllen Sie dieses Feld aus.',
  'form.tick': 'Setzen Sie dieses Häkchen, um fortzufahren.',
  'form.choice': 'Wählen Sie eine der Möglichkeiten aus.',
  'form.repeated': 'Geben Sie nur einen Wert ein.',
  'form.not-valid': 'Diese Angabe stimmt nicht. Prüfen Sie sie und versuchen Sie es erneut.',
  'form.pattern': 'Diese Angabe hat nicht das richtige Format. Prüfen Sie sie und versuchen Sie es erneut.',
  'form.begins-with': 'Geben Sie etwas ein, das mit „{text}“ beginnt.',
  'form.ends-with': 'Geben Sie etwas ein, das mit „{text}“ endet.',
  'form.includes': 'Geben Sie etwas ein, das „{text}“ enthält.',

  'form.too-short.one': 'Geben Sie mindestens {count} Zeichen ein.',
  'form.too-short.other': 'Geben Sie mindestens {count} Zeichen ein.',
  'form.too-long.one': 'Geben Sie höchstens {count} Zeichen ein.',
  'form.too-long.other': 'Geben Sie höchstens {count} Zeichen ein.',
  'form.exact-length.one': 'Geben Sie genau {count} Zeichen ein.',
  'form.exact-length.other': 'Geben Sie genau {count} Zeichen ein.',

  'form.number': 'Geben Sie eine Zahl ein, zum Beispiel 12 oder 3,5.',
  'form.whole-number': 'Geben Sie eine ganze Zahl ein, zum Beispiel 12.',
  'form.too-many-digits': 'Geben Sie eine Zahl mit weniger Stellen ein.',
  'form.too-small': 'Geben Sie eine Zahl ein, die mindestens {limit} ist.',
  'form.too-big': 'Geben Sie eine Zahl ein, die höchstens {limit} ist.',
  'form.more-than': 'Geben Sie eine Zahl ein, die größer als {limit} ist.',
  'form.less-than': 'Geben Sie eine Zahl ein, die kleiner als {limit} ist.',
  'form.multiple': 'Geben Sie ein Vielfaches von {limit} ein.',

  'form.choose-date': 'Wählen Sie ein Datum aus.',
  'form.choose-date-time': 'Wählen Sie Datum und Uhrzeit aus.',
  'form.date': 'Geben Sie ein Datum ein, das es gibt.',
  'form.date-time': 'Geben Sie ein Datum und eine Uhrzeit ein, die es gibt.',
  'form.time': 'Geben Sie eine Uhrzeit ein, zum Beispiel 10:30.',
  'form.too-early': 'Geben Sie ein Datum ein, das nicht vor dem {limit} liegt.',
  'form.too-late': 'Geben Sie ein Datum ein, das nicht nach dem {limit} liegt.',
  'form.after': 'Geben Sie ein Datum nach dem {limit} ein.',
  'form.before': 'Geben Sie ein Datum vor dem {limit} ein.',

  'form.email': 'Geben Sie eine E-Mail-Adresse ein, zum Beispiel name@example.com.',
  'form.web-address': 'Geben Sie eine Internetadresse ein, zum Beispiel https://example.com.',

  'form.too-few.one': 'Wählen Sie mindestens {count} Möglichkeit aus.',
  'form.too-few.other': 'Wählen Sie mindestens {count} Möglichkeiten aus.',
  'form.too-many.one': 'Wählen Sie höchstens {count} Möglichkeit aus.',
  'form.too-many.other': 'Wählen Sie höchstens {count} Möglichkeiten aus.',
  'form.exact-number.one': 'Wählen Sie genau {count} Möglichkeit aus.',
  'form.exact-number.other': 'Wählen Sie genau {count} Möglichkeiten aus.',

  'error.invalid.title': 'Bitte prüfen Sie Ihre Angaben',
};
