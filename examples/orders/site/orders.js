// A page that shows the table "orders", and changes it.

import { Client } from './static/gset.js';

const client = new Client('./');
const body = document.querySelector('tbody');
const form = document.querySelector('form');
const output = document.querySelector('output');

function show() {
  const orders = [...client.items.get('orders') ?? []];
  orders.sort(([, a], [, b]) => a.customer.localeCompare(b.customer));
  body.replaceChildren(...orders.map(([id, order]) => row(id, order)));
}

function row(id, order) {
  const element = document.createElement('tr');
  element.className = order.state;
  for (const text of [order.customer, order.total.toFixed(2), order.state]) {
    element.appendChild(document.createElement('td')).textContent = text;
  }
  const last = element.appendChild(document.createElement('td'));
  if (order.state === 'new') {
    last.append(button('Send', () => client.patch(
      ['orders', id], { state: 'sent' })));
  }
  last.append(button('Remove', () => client.remove(['orders', id])));
  return element;
}

function button(text, change) {
  const element = document.createElement('button');
  element.textContent = text;
  element.addEventListener('click', () => make(change));
  return element;
}

/** Makes a change, or tells why the database refuses it. */
async function make(change) {
  try {
    await change();
    output.textContent = '';
  } catch (error) {
    output.textContent = error.message;
  }
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  const { customer, total } = form.elements;
  make(async () => {
    await client.add('orders', {
      customer: customer.value, total: Number(total.value) });
    form.reset();
    customer.focus();
  });
});

const status = document.getElementById('status');
client.addEventListener('updates', show);
client.addEventListener('online', () => { status.textContent = 'live'; });
client.addEventListener('offline', () => { status.textContent = 'offline'; });
client.start();
