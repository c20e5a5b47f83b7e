/** Block A over WebSocket: requests and answers. */
import { attack } from './lib/run.js';
import { websocketAnswers, websocketWindows } from './rows/answers-websocket.js';
import { websocketRequests, websocketSlow, websocketVerdicts } from './rows/opening-websocket.js';

attack(websocketRequests, websocketSlow, websocketVerdicts, websocketAnswers, websocketWindows);
