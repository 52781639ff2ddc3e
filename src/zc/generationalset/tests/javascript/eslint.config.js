// Run in ../.., see package.json, since that is where all of the files are.
import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import globals from 'globals';

export default defineConfig([
  {
    files: ['**/*.js'],
    plugins: { js },
    extends: ['js/recommended'],
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['static/**/*.js'],
    languageOptions: { globals: globals.browser },
  },
  {
    files: ['static/board/worker.js'],
    languageOptions: {
      globals: { ...globals.serviceworker, VERSION: 'readonly' } },
  },
  {
    // These run in Node, too.
    files: ['static/gset.js', 'static/gset/*.js', 'tests/javascript/**/*.js'],
    languageOptions: { globals: globals['shared-node-browser'] },
  },
  {
    files: ['tests/javascript/*.test.js'],
    languageOptions: { globals: globals.node },
  },
]);
