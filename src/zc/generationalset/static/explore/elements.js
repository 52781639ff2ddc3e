/** Elements of the page.  Text goes in as text, never as HTML. */

/**
 * Returns a new element.
 *
 *     element('td', 'id', 'ann')
 *     element('p', '', 'Since ', element('code', '', '57'))
 */
export function element(name, className = '', ...content) {
  const made = document.createElement(name);
  if (className) {
    made.className = className;
  }
  made.append(...content);
  return made;
}

/** Sets the text of an element, if it differs. */
export function say(node, text) {
  if (node.textContent !== text) {
    node.textContent = text;
  }
}

/** Lets an element shine for a moment: it has just changed. */
export function shine(node) {
  if (!matchMedia('(prefers-reduced-motion: reduce)').matches) {
    const color = getComputedStyle(node).getPropertyValue('--shine');
    node.animate([{ backgroundColor: color, offset: 0 }],
                 { duration: 1600, easing: 'ease-out' });
  }
}
