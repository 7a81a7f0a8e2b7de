// Sends a form once, however often its button is pressed, and leads to the list of what is wrong with it.
// Forms work without it.
(() => {
  // Where an answer leaves the page as it is (a download, a stopped navigation), a form can be sent again after this.
  const holdFor = 10_000;
  const held = new Map();

  // On window: whatever the page's own scripts do about a submit, they have done by then.
  addEventListener('submit', (event) => {
    const { target: form, submitter } = event;
    if (event.defaultPrevented || !leavesPage(form, submitter)) return;
    if (held.has(form)) event.preventDefault();
    else
      held.set(
        form,
        setTimeout(() => held.delete(form), holdFor),
      );
  });

  // Also when the back button restores this page as it was.
  addEventListener('pageshow', () => {
    for (const timer of held.values()) clearTimeout(timer);
    held.clear();
    requestAnimationFrame(leadToErrors);
  });

  // By now `autofocus` has done it, but for an address with a fragment, and on some phones.
  function leadToErrors() {
    if (document.activeElement === document.body) document.querySelector('.errors')?.focus();
  }

  // Firefox leads to a date, and gives it no focus.
  addEventListener('hashchange', () => {
    if (document.activeElement === document.body) document.querySelector(':target')?.focus();
  });

  // A search may be sent as often as one likes, and a form that opens another tab stays here to be sent again.
  // A pressed button may say otherwise than its form. Attributes: a field named "target" would hide the property.
  function leavesPage(form, submitter) {
    const said = (name) => submitter?.getAttribute(`form${name}`) ?? form.getAttribute(name) ?? '';
    return said('method').toLowerCase() === 'post' && ['', '_self'].includes(said('target').toLowerCase());
  }
})();
