/** What stands for payloads and secrets: in no log, whoever writes it. Drawn anew each time, so that nobody can know it. */
import { randomBytes } from 'node:crypto';

export const CANARY = `canary${randomBytes(12).toString('hex')}`;
