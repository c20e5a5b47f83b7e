/** Block C: peers that do not read, handlers that do not keep up, connections that come and go. */
import { attack } from './lib/run.js';
import {
  blocked,
  churn,
  closingPolicy,
  dials,
  flows,
  publications,
  slowHandlers,
  slowReaders,
} from './rows/flow.js';

attack(
  ...flows,
  ...publications,
  ...slowReaders,
  ...closingPolicy,
  ...slowHandlers,
  ...churn,
  dials,
  blocked,
);
