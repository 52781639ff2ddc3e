import { memo, useState } from 'react';

import { tasks } from './tasks.js';

// With memo, it renders again only if its own task has changed.
export const Task = memo(({ id, task }) => {
  const [edit, setEdit] = useState(null); // the text, and what it was before
  // The outbox tells of refusals; see Messages.
  const patch = (change) => { tasks.patch([id], change).catch(() => {}); };
  const save = () => {
    if (edit && edit.text !== task.text) {
      patch({ text: edit.text });
    }
    setEdit(null);
  };
  const press = ({ key, target }) => {
    if (key === 'Escape') {
      setEdit(null);
    } else if (key === 'Enter') {
      target.blur();
    }
  };
  return <li>
    <input type="checkbox" aria-label="Done" checked={task.done}
      onChange={({ target }) => patch({ done: target.checked })} />
    <input aria-label="Text" value={edit?.text ?? task.text}
      onChange={({ target }) =>
        setEdit({ before: task.text, ...edit, text: target.value })}
      onBlur={save} onKeyDown={press} />
    <button onClick={() => tasks.remove([id]).catch(() => {})}>Remove</button>
    {edit && edit.before !== task.text && <em>Now: {task.text}</em>}
  </li>;
});
