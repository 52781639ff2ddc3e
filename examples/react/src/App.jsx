import { useEffect, useState } from 'react';
import { useGSet } from 'zc-generationalset/react';

import { Task } from './Task.jsx';
import { client, tasks } from './tasks.js';

export const App = () => <>
  <h1>Tasks</h1>
  <Add />
  <Messages />
  <List />
</>;

// Sorts, because a set has what changed last at its end.
const inOrder = (all) =>
  Array.from(all).sort(([, one], [, other]) => one.made - other.made);

const List = () => <ul>
  {useGSet(tasks, [], inOrder).map(([id, task]) =>
    <Task key={id} id={id} task={task} />)}
</ul>;

function Add() {
  const [text, setText] = useState('');
  const add = (event) => {
    event.preventDefault();
    tasks.add([], { text, done: false, made: Date.now() }).catch(() => {});
    setText('');
  };
  return <form onSubmit={add}>
    <input aria-label="New task" required value={text}
      onChange={(event) => setText(event.target.value)} />
    <button>Add</button>
  </form>;
}

function Messages() {
  const [refusal, setRefusal] = useState('');
  const [online, setOnline] = useState(true);
  useEffect(() => {
    const ending = new AbortController();
    const { signal } = ending;
    tasks.addEventListener('refused', ({ detail: { error } }) =>
      setRefusal(error.status === 412 ? 'Somebody else was faster; this is ' +
        'how it is now.' : `Not saved: ${error.detail}`), { signal });
    client.addEventListener('online', () => setOnline(true), { signal });
    client.addEventListener('offline', () => setOnline(false), { signal });
    return () => ending.abort();
  }, []);
  return <p role="status">
    {refusal} {online || 'The server is away; what you write waits.'}
  </p>;
}
