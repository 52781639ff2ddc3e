import { Client } from 'zc-generationalset';
import { KeptQueue } from 'zc-generationalset/kept';
import { Outbox } from 'zc-generationalset/outbox';

export const client = new Client('./', { store: 'tasks' });

// Shows what users write at once, and keeps it until the server has it.
export const tasks = new Outbox(client, new KeptQueue(client, 'me'));
