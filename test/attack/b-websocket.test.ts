/** Block B over WebSocket: frames that break the rules, and messages beyond the bounds. */
import { attack } from './lib/run.js';
import {
  websocketEnds,
  websocketFragments,
  websocketFrames,
  websocketSizes,
} from './rows/websocket-frames.js';

attack(websocketFrames, websocketSizes, websocketFragments, websocketEnds);
