"""Simulated people who use the board's page at random, as fast as they can."""

USER = '''
async ({seed, count}) => {
  let state = seed;
  const random = () => {  // the same numbers for the same seed
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
  const pick = (list) => list[Math.floor(random() * list.length)];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const key = (element, key, others) => element?.dispatchEvent(
    new KeyboardEvent('keydown', {
      key, bubbles: true, cancelable: true, ...others}));
  const enter = (field, text) => {
    field.value = text;
    field.dispatchEvent(new InputEvent('input', {bubbles: true}));
    field.form.requestSubmit();
  };
  const card = () => pick(all('.card > .open'));
  const column = () => pick(all('.handle .open'));
  const edit = (button, text) => {
    button?.click();
    const editor = button?.closest('.card, .column')
      .querySelector('.editor');
    const select = editor?.querySelector('select');
    if (select?.length && random() < 0.3) {
      select.value = pick([...select]).value;
    }
    if (editor) enter(editor.querySelector('textarea'), text);
  };
  const middle = (element) => {
    const {x, y, width, height} = element.getBoundingClientRect();
    return {clientX: x + width * random(), clientY: y + height * random()};
  };
  const drag = (from, to) => {
    if (!from || !to) return;
    const send = (type, target, place) => target.dispatchEvent(
      new PointerEvent(`pointer${type}`, {
        pointerType: 'mouse', isPrimary: true, bubbles: true, ...place}));
    const place = middle(from);
    send('down', from, place);
    send('move', from, {clientX: place.clientX + 9, clientY: place.clientY});
    send('move', from, middle(to));
    send('up', from, {});
  };
  const arrow = () => pick(
    ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight']);
  const actions = [
    [8, (text) => enter(pick(all('.add textarea')), text)],
    [8, () => key(card(), arrow(), {shiftKey: true})],
    [6, () => drag(card(), pick(all('.card, .column')))],
    [5, (text) => edit(card(), text)],
    [3, () => key(card(), 'Delete')],
    [2, () => key(document.body, 'z', {ctrlKey: true})],
    [3, (text) => enter(document.querySelector('.say textarea'), text)],
    [2, () => key(column(), arrow(), {shiftKey: true})],
    [1, () => drag(column(), pick(all('.column')))],
    [1, (text) => edit(column(), text)],
    [.5, () => all('.column').length > 3 && key(column(), 'Delete')],
  ].flatMap(([weight, action]) => Array(weight * 2).fill(action));
  for (let number = 0; number < count; number++) {
    pick(actions)(`${seed}-${number}`);
    await new Promise((resolve) => setTimeout(resolve, random() * 30));
  }
}
'''
#: Cancels what is being typed; returns whether no write is on its way.
REST = '''() => {
  for (const field of document.querySelectorAll('.add textarea')) {
    field.value = '';
    field.dispatchEvent(new InputEvent('input', {bubbles: true}));
  }
  for (const button of document.querySelectorAll(
    '.editor .cancel, .refused .forget')) {
    button.click();
  }
  return !document.querySelector('.editor, .pending');
}'''


def begin(page, seed, count):
    """Let a person begin, and return at once."""
    page.evaluate(f'''({{seed, count}}) => {{
      window.isDone = false;
      ({USER})({{seed, count}}).then(() => {{ window.isDone = true; }});
    }}''', {'seed': seed, 'count': count})


def is_done(page):
    return page.evaluate('window.isDone')


def rests(page):
    return page.evaluate(REST)
