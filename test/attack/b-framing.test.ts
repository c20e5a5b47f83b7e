/** Block B over streams: our own framing, of both kinds. */
import { attack } from './lib/run.js';
import { lengthPrefixed, unfinished } from './rows/own-framing.js';
import { qwhFloods, qwhFloodsOverWebSocket, qwhFrames, qwhFramesOverWebSocket } from './rows/qwh-frames.js';

attack(lengthPrefixed, unfinished, qwhFrames, qwhFloods, qwhFramesOverWebSocket, qwhFloodsOverWebSocket);
