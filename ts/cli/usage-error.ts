/** A mistake in how a command was called: told in one line, with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** For commands that take options only. */
export function refusePositionals({ positionals }: { readonly positionals: readonly string[] }): void {
  if (positionals.length > 0)
    throw new UsageError(`it takes no argument such as ${JSON.stringify(positionals[0])}`);
}

/** For commands that take one endpoint. */
export function soleEndpoint({ positionals }: { readonly positionals: readonly string[] }): string {
  const [endpoint, ...more] = positionals;
  if (endpoint === undefined) throw new UsageError('the endpoint is missing, such as tcp://127.0.0.1:9000');
  if (more.length > 0) throw new UsageError(`there is more than one endpoint: ${JSON.stringify(more[0])}`);
  return endpoint;
}
