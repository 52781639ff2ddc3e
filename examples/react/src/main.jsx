import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { App } from './App.jsx';
import { client } from './tasks.js';

createRoot(document.getElementById('app')).render(
  <StrictMode><App /></StrictMode>);
await client.start();
