// Adds and deletes notes in place, through this app's proxy of the API, and shows what other tabs do. Without this script
// the forms of the page do it.
const list = document.querySelector('#api-notes');
const form = document.querySelector('#add-note');
const mark = document.querySelector('meta[name="kit-form"]')?.content;
const proxy = '/api/data';
/** What is done here comes as an event too, before its answer or after. */
let isAdding = false;
const deleting = new Set();
/** When a card went: the next one is in its place now, under a pointer that may be about to click again. */
let goneAt = Number.NEGATIVE_INFINITY;
/** Counts what was shown, so that an older answer does not bring back what is gone. */
let shown = 0;
let events;

if (list && form) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    addNote();
  });
  list.addEventListener('submit', (event) => {
    event.preventDefault();
    if (performance.now() - goneAt > 500) deleteNote(event.target.closest('[data-note]').dataset.note);
  });
  // Only while somebody looks: without HTTP/2 a browser keeps six connections to this app at most, for all its tabs. Six
  // tabs that listen would leave none for a page.
  const listenWhileSeen = () => (document.hidden ? events?.close() : listen());
  listenWhileSeen();
  document.addEventListener('visibilitychange', listenWhileSeen);
  // The back button may bring this page back as it was.
  addEventListener('pagehide', () => events?.close());
  addEventListener('pageshow', ({ persisted }) => persisted && listenWhileSeen());
}

async function addNote() {
  const { text, key } = form.elements;
  if (isAdding) return;
  if (text.value.trim() === '') return showMistake('Enter a note.');
  isAdding = true;
  const typed = text.value;
  const answer = await send('/notes', 'POST', {
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': `"${key.value}"` },
    body: JSON.stringify({ text: typed.trim() }),
  });
  if (answer?.ok) await answer.json().then(showNote, catchUp);
  isAdding = false;
  // Nobody is signed in any more. The form itself says so, and keeps what was typed. form.submit may be a field's name.
  if (answer?.status === 401) return HTMLFormElement.prototype.submit.call(form);
  if (!answer?.ok) return showMistake(await whyNot(answer));
  // Somebody who types fast has begun the next one.
  if (text.value === typed) text.value = '';
  key.value = crypto.randomUUID();
  showMistake('');
  say('Your note is added.');
  text.focus();
}

async function deleteNote(id) {
  if (deleting.has(id)) return;
  deleting.add(id);
  const answer = await send(`/notes/${encodeURIComponent(id)}`, 'DELETE');
  // Another tab may have been first.
  const isGone = answer?.ok || answer?.status === 404;
  if (isGone) removeNote(id);
  deleting.delete(id);
  // The page itself says what is to be done.
  if (answer?.status === 401) return location.reload();
  say(isGone ? 'Your note is deleted.' : await whyNot(answer));
}

/** What the user does in other tabs and browsers. */
function listen() {
  events?.close();
  events = new EventSource(`${proxy}/events`);
  const on = (name, show) => events.addEventListener(name, ({ data }) => show(JSON.parse(data)));
  on('added', (note) => {
    if (showNote(note) && !isAdding) say(`Added in another window: ${note.text}`);
  });
  on('changed', showNote);
  on('deleted', ({ id }) => {
    if (removeNote(id) && !deleting.has(String(id))) say('A note was deleted in another window.');
  });
  // Between the page and its first event. From then on the API sends what was missed, and nothing is asked that nobody
  // wanted: it would count as using the session.
  events.addEventListener('open', catchUp, { once: true });
}

async function catchUp() {
  const before = shown;
  const answer = await send('/notes', 'GET');
  if (!answer?.ok) return;
  const { notes } = await answer.json();
  if (shown !== before) return catchUp();
  const ids = new Set(notes.map(({ id }) => String(id)));
  for (const { dataset } of [...list.children]) if (!ids.has(dataset.note)) removeNote(dataset.note);
  notes.forEach(showNote);
}

/** Undefined where this app did not answer. */
function send(path, method, { headers, body } = {}) {
  const request = { method, body, headers: { ...headers, 'Kit-Form': mark } };
  return fetch(`${proxy}${path}`, request).catch(() => undefined);
}

async function whyNot(answer) {
  const { errors, detail, title } = (await answer?.json().catch(() => {})) ?? {};
  const why = errors?.text?.[0] ?? detail ?? title;
  return why ? String(why).slice(0, 300) : "That didn't work. Please try again in a minute.";
}

/** @returns whether it was not there before */
function showNote({ id, text }) {
  shown++;
  const old = cardOf(id);
  const card = old ?? makeCard(id);
  card.querySelector('bdi').textContent = text;
  card.querySelector('.unseen').textContent = ` ${text}`;
  if (!old) list.append(card);
  showWhetherEmpty();
  return !old;
}

/** @returns whether it was there */
function removeNote(id) {
  shown++;
  const card = cardOf(id);
  if (!card) return false;
  const hadFocus = card.contains(document.activeElement);
  const next = card.nextElementSibling ?? card.previousElementSibling;
  card.remove();
  goneAt = performance.now();
  showWhetherEmpty();
  if (hadFocus) (next?.querySelector('button') ?? form.elements.text).focus();
  return true;
}

const cardOf = (id) => [...list.children].find(({ dataset }) => dataset.note === String(id));

/** As in views/api-data.ejs. As text, never as markup: a note may hold anything. */
function makeCard(id) {
  const card = made('li', { className: 'card row' });
  card.dataset.note = id;
  const button = made('button', { className: 'button quiet danger', textContent: 'Delete' });
  button.append(made('span', { className: 'unseen' }));
  const deletion = made('form', {});
  deletion.append(button);
  const words = made('p', { className: 'text' });
  words.append(document.createElement('bdi'));
  card.append(words, deletion);
  return card;
}

const made = (tag, properties) => Object.assign(document.createElement(tag), properties);

function showWhetherEmpty() {
  list.hidden = list.children.length === 0;
  document.querySelector('#no-notes').hidden = !list.hidden;
}

function say(sentence) {
  document.querySelector('#notes-news').textContent = sentence;
}

/** At the field, as the page does it. */
function showMistake(sentence) {
  const { text } = form.elements;
  document.querySelector('#text-error')?.remove();
  text.setAttribute('aria-invalid', sentence !== '');
  if (!sentence) return;
  say('');
  text.before(made('p', { id: 'text-error', className: 'error', role: 'alert', textContent: sentence }));
  text.focus();
}
