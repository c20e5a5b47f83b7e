/** Block A over streams: who does not get as far as a connection. */
import { attack } from './lib/run.js';
import { qwhAnswers, qwhOpening, qwhVerdicts } from './rows/opening-qwh.js';
import { qwhAnswersOverWebSocket, qwhOpeningOverWebSocket } from './rows/opening-qwh-websocket.js';
import { tlsAlpn, tlsCallbacks, tlsClients, tlsOpening } from './rows/opening-tls.js';

attack(
  qwhOpening,
  qwhVerdicts,
  qwhAnswers,
  qwhOpeningOverWebSocket,
  qwhAnswersOverWebSocket,
  tlsOpening,
  tlsAlpn,
  tlsClients,
  ...tlsCallbacks,
);
