/** Requests and replies over the codec `json`: `{ id, method, params }`, then `{ id, result }` or `{ id, error }`. */

/** Answers calls that come to a server; what is not in `methods` cannot be called. */
export function answer(server, methods) {
  const table = new Map(Object.entries(methods));
  server.on('message', async (message, connection) => {
    // A peer can send anything that is JSON, `null` too.
    const { id, method, params } = Object(message);
    try {
      const run = table.get(method);
      if (run === undefined) throw new Error(`there is no method ${method}`);
      connection.send({ id, result: await run(...params) });
    } catch (error) {
      connection.send({ id, error: error.message });
    }
  });
}

/** Gives a function that calls a method of the other end and resolves with its result. */
export function caller(client) {
  const waiting = new Map();
  let lastId = 0;

  client.on('message', (message) => {
    const { id, result, error } = Object(message);
    const call = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) call?.resolve(result);
    else call?.reject(new Error(error));
  });

  // Replies over a lost link will not come. Whether the call was carried out nobody here knows: the caller decides.
  const giveUp = () => {
    for (const { reject } of waiting.values()) reject(new Error('the connection was lost'));
    waiting.clear();
  };
  client.on('disconnect', giveUp);
  client.on('close', giveUp);

  return (method, ...params) =>
    new Promise((resolve, reject) => {
      const id = (lastId += 1);
      waiting.set(id, { resolve, reject });
      if (client.send({ id, method, params }) !== 'dropped') return;
      waiting.delete(id);
      reject(new Error('not connected, or too much under way'));
    });
}
