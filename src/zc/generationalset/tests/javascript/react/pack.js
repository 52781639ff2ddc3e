// Writes the application, with React, as one script:  node pack.js FILE

import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

await build({
  entryPoints: [fileURLToPath(new URL('list.jsx', import.meta.url))],
  outfile: argv[2],
  bundle: true,
  jsx: 'automatic',
  minify: true,
  define: { 'process.env.NODE_ENV': '"production"' },
  // The package's files are not beside those of React.
  nodePaths: [fileURLToPath(new URL('../node_modules', import.meta.url))],
});
