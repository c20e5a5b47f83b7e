/** Addresses of peers: many connections come from one, that of a proxy above all. */
import { Lately } from '../lately.js';

export const addresses = new Lately((text) => text);
