/** Options that are functions, by their names: a program that is attacked gets them over a channel. */

const never = () => new Promise(() => {});
const fail = () => {
  throw new Error('a function of the application fails');
};
const settling = (subject, verdict) => async () => {
  subject.acts.asked = (subject.acts.asked ?? 0) + 1;
  return await new Promise((resolve) => {
    subject.settle = () => resolve(verdict);
  });
};

/** What may stand for the option of each name. */
const FUNCTIONS = {
  authorize: {
    throws: () => fail,
    rejects: () => async () => fail(),
    never: () => never,
    nonsense: () => () => 42,
    later: (subject) => settling(subject, undefined),
    'one by one': (subject) => async () => void (subject.acts.asked = (subject.acts.asked ?? 0) + 1),
  },
  verifyHandshake: {
    throws: () => fail,
    rejects: () => async () => fail(),
    never: () => never,
    nonsense: () => () => 42,
    later: (subject) => settling(subject, true),
  },
  'tls.sniCallback': { throws: () => fail, rejects: () => async () => fail(), never: () => never },
};

/** What a listener for messages does besides. */
const LISTENERS = {
  throws: () => () => fail(),
  rejects: () => async () => fail(),
  slow: ({ acts }) => {
    const atWork = new Map();
    return async (_message, connection) => {
      const now = (atWork.get(connection) ?? 0) + 1;
      atWork.set(connection, now);
      acts.mostAtWork = Math.max(acts.mostAtWork ?? 0, now);
      await new Promise((resolve) => setTimeout(resolve, 2));
      atWork.set(connection, atWork.get(connection) - 1);
    };
  },
};

/** The options with functions for names in `uses`. */
export function withFunctions({ uses = {}, ...options }, subject) {
  for (const [option, name] of Object.entries(uses)) {
    if (option === 'onMessage') subject.onMessage = LISTENERS[name](subject);
    else if (option.startsWith('tls.'))
      options.tls = { ...options.tls, [option.slice(4)]: FUNCTIONS[option][name](subject) };
    else options[option] = FUNCTIONS[option][name](subject);
  }
  return options;
}
