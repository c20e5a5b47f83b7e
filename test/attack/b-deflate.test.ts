/** Block B, compressed. */
import { attack } from './lib/run.js';
import { websocketDeflate } from './rows/websocket-deflate.js';

attack(websocketDeflate);
