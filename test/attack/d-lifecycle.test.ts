/** Blocks D and G: ends in the middle, peers that vanish, handlers that fail, and what is said about it. */
import { attack } from './lib/run.js';
import { blackHoles, cuts, handlers } from './rows/lifecycle.js';
import { floodedLogs, injectedHeaders, injectedReasons } from './rows/logs.js';

attack(...cuts, ...blackHoles, ...handlers, injectedReasons, injectedHeaders, floodedLogs);
