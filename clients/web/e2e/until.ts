/** How long whatever must come may take, in milliseconds, on a machine that does much else. No measure. */
export const patience = 60_000;

/** Tries until it no longer throws, or for `timeout` milliseconds; then throws what it threw last. */
export async function until<T>(attempt: () => Promise<T> | T, timeout = patience): Promise<T> {
  const deadline = Date.now() + timeout;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}
