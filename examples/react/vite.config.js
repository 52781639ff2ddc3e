import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const server = 'http://127.0.0.1:8080'; // gset serve

export default defineConfig({
  base: './',
  plugins: [react()],
  server: {
    proxy: {
      '/batch': server, '/events': server, '/items': server, '/updates': server,
    },
  },
});
