// A list of cards, whose rows render again only when their card changes.

import { memo, useCallback } from 'react';
import { createRoot } from 'react-dom/client';

import { useGSet } from '../../../static/bindings/react.js';
import { Client } from '../../../static/gset.js';

const client = new Client('../');
globalThis.rendered = { rows: [], counts: 0, others: 0 };

const Row = memo(({ id, card }) => {
  globalThis.rendered.rows.push(id);
  return <li>{id}: {card.text}</li>;
});

const List = () => <ul>
  {Array.from(useGSet(client, ['cards']) ?? [], ([id, card]) =>
    <Row key={id} id={id} card={card} />)}
</ul>;

const Count = () => {
  globalThis.rendered.counts += 1;
  return <p>{useGSet(client, 'cards', cards => `${cards?.size ?? 0} cards`)}</p>;
};

const Other = () => {
  globalThis.rendered.others += 1;
  // A selector that makes a new object each time.
  const { text } = useGSet(client, ['cards', 'c1'],
    useCallback(card => ({ text: card?.text }), []));
  return <output>{text}</output>;
};

createRoot(document.getElementById('app')).render(
  <><List /><Count /><Other /></>);
client.start();
