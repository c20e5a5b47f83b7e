/** Our client, on the backend that is asked for. */
import { connect as dial } from '../../dist/index.js';
import { backendOptions, checkBackend } from '../lib/child.mjs';

/** @param {string} address @param {{ backend: string, protocol?: string, options?: object }} what */
export async function connect(address, { backend, protocol, options }) {
  const client = await dial(address, { ...backendOptions(backend, protocol), reconnect: false, ...options });
  checkBackend(backend, client);
  return client;
}
