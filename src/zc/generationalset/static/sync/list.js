/** A list that shows the items of a set, and keeps what people type. */
export class List {
  #list;
  #draw;
  #title;
  #shown = new Map(); // id -> { text, entry }

  /**
   * @param {HTMLElement} list  Its section has a title, and a .none.
   * @param {function} draw
   *   Takes id and item, and returns the content of an entry: nodes.
   */
  constructor(list, draw) {
    this.#list = list;
    this.#draw = draw;
    this.#title = list.parentElement.querySelector('h2');
  }

  /**
   * Shows items; an entry stays as long as its item is the same.
   *
   * @param {Array} items  Pairs of an id and an item, in the order to show.
   * @returns {Array}  The ids that were here, and aren't any more.
   */
  show(items) {
    const hadFocus = this.#list.contains(document.activeElement);
    const before = this.#shown;
    this.#shown = new Map(items.map(([id, item]) => {
      const text = JSON.stringify(item);
      const old = before.get(id);
      return [id, old?.text === text
        ? old : { text, entry: this.#entry(id, item) }];
    }));
    const entries = [...this.#shown.values()].map(({ entry }) => entry);
    if (entries.length !== this.#list.childElementCount
        || entries.some((each, at) => each !== this.#list.children[at])) {
      this.#place(entries);
    }
    this.#list.parentElement.querySelector('.none').hidden = items.length > 0;
    if (hadFocus && !this.#list.contains(document.activeElement)) {
      this.#title.focus();
    }
    return [...before.keys()].filter((id) => !this.#shown.has(id));
  }

  #entry(id, item) {
    const entry = document.createElement('li');
    entry.append(...this.#draw(id, item));
    return entry;
  }

  /** Moves only what isn't in its place, so that fields keep the focus. */
  #place(entries) {
    const wanted = new Set(entries);
    for (const entry of [...this.#list.children]) {
      if (!wanted.has(entry)) {
        entry.remove();
      }
    }
    entries.forEach((entry, at) => {
      if (this.#list.children[at] !== entry) {
        this.#list.insertBefore(entry, this.#list.children[at] ?? null);
      }
    });
  }
}
