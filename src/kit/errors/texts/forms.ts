/** What a person reads about what they typed into a form. Each is one sentence, beside its field. */
export const formTexts = {
  'form.title': 'Error: {title}',
  'form.in-summary': '{label}: {text}',

  'form.required': 'Enter something here.',
  'form.tick': 'Tick this box to continue.',
  'form.choice': 'Choose one of the options.',
  'form.repeated': 'Enter one value only.',
  'form.not-valid': "This isn't right. Check it and try again.",
  'form.pattern': "This isn't in the right format. Check it and try again.",
  'form.begins-with': 'Enter something that begins with “{text}”.',
  'form.ends-with': 'Enter something that ends with “{text}”.',
  'form.includes': 'Enter something that includes “{text}”.',

  'form.too-short.one': 'Enter at least {count} character.',
  'form.too-short.other': 'Enter at least {count} characters.',
  'form.too-long.one': 'Enter no more than {count} character.',
  'form.too-long.other': 'Enter no more than {count} characters.',
  'form.exact-length.one': 'Enter exactly {count} character.',
  'form.exact-length.other': 'Enter exactly {count} characters.',

  'form.number': 'Enter a number, such as 12 or 3.5.',
  'form.whole-number': 'Enter a whole number, such as 12.',
  'form.too-many-digits': 'Enter a number with fewer digits.',
  'form.too-small': 'Enter a number that is {limit} or more.',
  'form.too-big': 'Enter a number that is {limit} or less.',
  'form.more-than': 'Enter a number that is more than {limit}.',
  'form.less-than': 'Enter a number that is less than {limit}.',
  'form.multiple': 'Enter a multiple of {limit}.',

  'form.choose-date': 'Choose a date.',
  'form.choose-date-time': 'Choose a date and time.',
  'form.date': 'Enter a real date.',
  'form.date-time': 'Enter a real date and time.',
  'form.time': 'Enter a time, such as 10:30.',
  'form.too-early': 'Enter a date that is {limit} or later.',
  'form.too-late': 'Enter a date that is {limit} or earlier.',
  'form.after': 'Enter a date after {limit}.',
  'form.before': 'Enter a date before {limit}.',

  'form.email': 'Enter an email address, such as name@example.com.',
  'form.web-address': 'Enter a web address, such as https://example.com.',

  'form.too-few.one': 'Choose at least {count}.',
  'form.too-few.other': 'Choose at least {count}.',
  'form.too-many.one': 'Choose no more than {count}.',
  'form.too-many.other': 'Choose no more than {count}.',
  'form.exact-number.one': 'Choose exactly {count}.',
  'form.exact-number.other': 'Choose exactly {count}.',

  'error.invalid.title': 'There is a problem',
} as const;
