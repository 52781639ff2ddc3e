/** Functions for all parts of the page. */

/** Returns a new element, made from a template in the page. */
export function clone(name) {
  const { content } = document.getElementById(name);
  return content.firstElementChild.cloneNode(true);
}

/**
 * Puts elements into their parent, in order, and takes out all others.
 *
 * Moves only elements that aren't in their places.
 */
export function arrange(parent, elements) {
  const wanted = new Set(elements);
  for (const child of [...parent.children]) {
    if (!wanted.has(child)) child.remove();
  }
  let place = parent.firstElementChild;
  for (const element of elements) {
    if (element === place) {
      place = place.nextElementSibling;
    } else if (element === place?.nextElementSibling) {
      // Move the element that is in this place, rather than all others.
      parent.append(place);
      place = element.nextElementSibling;
    } else {
      parent.insertBefore(element, place);
    }
  }
}

/** Calls a function that moves elements, and keeps the focus. */
export function keepFocus(action) {
  const focused = document.activeElement;
  action();
  if (focused !== document.activeElement && focused?.isConnected) {
    focused.focus({ preventScroll: true });
  }
}

/** Returns what gets the focus when a card or column is removed. */
export function heir(element) {
  const near = element.nextElementSibling ?? element.previousElementSibling
    ?? element.parentElement.closest('.column');
  return near?.querySelector('.open');
}

/** Makes a text field as high as its text. */
export function grow(field) {
  field.style.height = 'auto';
  const border = field.offsetHeight - field.clientHeight;
  field.style.height = `${field.scrollHeight + border}px`;
}

/** Shortens and quotes a text, for a sentence about it. */
export function quote(text) {
  const line = text.trim().replace(/\s+/g, ' ');
  return `“${line.length > 40 ? `${line.slice(0, 39)}…` : line}”`;
}
