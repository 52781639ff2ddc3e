/** Moving cards and columns with a mouse, a pen or a finger. */

/** Milliseconds for which a finger must rest on something to lift it. */
const HOLD = 300;
/** Pixels by which a resting pointer may move. */
const STILL = 6;
/** Pixels from an edge within which the list scrolls. */
const EDGE = 48;
/** Pixels between a card and the line above it. */
const GAP = 5;
/** Pixels between a list's edge and its cards. */
const MARGIN = 8;

/**
 * Lets cards and columns be dragged.
 *
 * surface  the element with the columns.
 * drop     called with three elements, {item, column, before}: what was
 *          dragged, the column it goes to, and what comes after it there.
 *          column is undefined if a column was dragged; before is null at
 *          the end.
 */
export class Dragging {
  #drag = null;

  constructor(surface, drop) {
    this.surface = surface;
    this.drop = drop;
    this.line = document.createElement('div');
    this.line.className = 'drop-line';
    surface.addEventListener('pointerdown', (event) => this.#down(event));
    addEventListener('pointermove', (event) => this.#move(event));
    addEventListener('pointerup', (event) => this.#up(event));
    addEventListener('pointercancel', () => this.#end());
    addEventListener('blur', () => this.#end());
    addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.#end();
    });
    // A finger that holds something must not scroll or open a menu.
    surface.addEventListener('touchmove', (event) => {
      if (this.#drag?.ghost && event.cancelable) event.preventDefault();
    }, { passive: false });
    surface.addEventListener('contextmenu', (event) => {
      if (this.#drag) event.preventDefault();
    });
  }

  #down(event) {
    if (event.button !== 0 || !event.isPrimary || this.#drag) return;
    const item = draggable(event.target);
    if (!item) return;
    const isMouse = event.pointerType === 'mouse';
    this.#drag = {
      item, isMouse, x: event.clientX, y: event.clientY,
      start: { x: event.clientX, y: event.clientY },
      timer: isMouse ? 0 : setTimeout(() => this.#lift(), HOLD),
    };
  }

  #move(event) {
    const drag = this.#drag;
    if (!drag || !event.isPrimary) return;
    drag.x = event.clientX;
    drag.y = event.clientY;
    if (drag.ghost) {
      this.#follow();
    } else if (this.#distance > STILL) {
      if (drag.isMouse) this.#lift();
      else this.#end(); // the page scrolls
    }
  }

  get #distance() {
    const { x, y, start } = this.#drag;
    return Math.hypot(x - start.x, y - start.y);
  }

  #lift() {
    const drag = this.#drag;
    const { width, x, y } = drag.item.getBoundingClientRect();
    drag.offset = { x: drag.start.x - x, y: drag.start.y - y };
    drag.ghost = drag.item.cloneNode(true);
    drag.ghost.classList.add('ghost');
    drag.ghost.ariaHidden = 'true';
    drag.ghost.inert = true;
    drag.ghost.style.width = `${width}px`;
    drag.item.classList.add('lifted');
    document.documentElement.classList.add('dragging');
    document.body.append(drag.ghost, this.line);
    navigator.vibrate?.(10);
    this.#follow();
    this.#scroll();
  }

  #follow() {
    const { ghost, offset, x, y } = this.#drag;
    ghost.style.translate = `${x - offset.x}px ${y - offset.y}px`;
    this.#aim();
  }

  /** Finds and shows the place where the dragged thing would go. */
  #aim() {
    const drag = this.#drag;
    const under = document.elementFromPoint(drag.x, drag.y);
    const column = under?.closest('.column');
    if (!column || !this.surface.contains(column)) return;
    drag.target = drag.item.matches('.column')
      ? besides(column, drag.x) : within(column, drag.y);
    const { x, y, width, height } = drag.target.line;
    Object.assign(this.line.style, {
      translate: `${x}px ${y}px`, width: `${width}px`, height: `${height}px`,
    });
  }

  /** Scrolls as long as the pointer is near an edge. */
  #scroll() {
    const drag = this.#drag;
    if (!drag?.ghost) return;
    const before = this.surface.scrollLeft;
    this.surface.scrollLeft += pull(
      this.surface.getBoundingClientRect(), drag, 'x', 'width');
    const list = drag.target?.column?.querySelector('.cards');
    const top = list?.scrollTop;
    if (list) {
      list.scrollTop += pull(
        list.getBoundingClientRect(), drag, 'y', 'height');
    }
    if (this.surface.scrollLeft !== before || list?.scrollTop !== top) {
      this.#aim();
    }
    requestAnimationFrame(() => {
      if (this.#drag === drag) this.#scroll();
    });
  }

  #up(event) {
    const drag = this.#drag;
    if (!drag || !event.isPrimary) return;
    this.#end();
    if (!drag.ghost) return;
    ignoreClick();
    const { column, before } = drag.target ?? {};
    if (!drag.target || before === drag.item) return;
    this.drop({ item: drag.item, column, before });
  }

  #end() {
    const drag = this.#drag;
    if (!drag) return;
    this.#drag = null;
    clearTimeout(drag.timer);
    drag.ghost?.remove();
    this.line.remove();
    drag.item.classList.remove('lifted');
    document.documentElement.classList.remove('dragging');
  }
}

/** Returns the card or column that a pointer on the target can drag. */
function draggable(target) {
  if (target.closest('.editor, .add')) return null;
  const card = target.closest('.card');
  if (card) return card.matches('.editing') ? null : card;
  return target.closest('.handle')?.closest('.column') ?? null;
}

/** Returns the place in a column that is nearest to y. */
function within(column, y) {
  const list = column.querySelector('.cards');
  const bounds = list.getBoundingClientRect();
  const before = [...list.children].find((card) => {
    const { top, height } = card.getBoundingClientRect();
    return y < top + height / 2;
  }) ?? null;
  const edge = before ? before.getBoundingClientRect().top - GAP
    : list.lastElementChild?.getBoundingClientRect().bottom ?? bounds.top;
  return {
    column, before, line: {
      x: bounds.x + MARGIN, width: bounds.width - 2 * MARGIN, height: 3,
      y: Math.min(Math.max(edge, bounds.top), bounds.bottom),
    },
  };
}

/** Returns the place to the left or right of a column. */
function besides(column, x) {
  const { left, right, width, y, height } = column.getBoundingClientRect();
  const isLeft = x < left + width / 2;
  const before = isLeft ? column : column.nextElementSibling;
  return { before, line: { x: isLeft ? left : right, y, width: 3, height } };
}

/** Returns how far to scroll in one frame. */
function pull(bounds, at, axis, size) {
  const near = at[axis] - bounds[axis];
  const far = bounds[axis] + bounds[size] - at[axis];
  if (near < EDGE) return -Math.min(16, (EDGE - near) / 3);
  if (far < EDGE) return Math.min(16, (EDGE - far) / 3);
  return 0;
}

/** Ignores the click that follows: it isn't meant for what is below. */
function ignoreClick() {
  const stop = (event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  addEventListener('click', stop, { capture: true, once: true });
  setTimeout(() => removeEventListener('click', stop, true));
}
