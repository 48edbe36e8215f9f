import { lazy, type Component } from "solid-js";

const FIRST_MS = 300;
const LAST_MS = 10_000;

/**
 * A view whose code is fetched when it is first shown. Where the network fails just then
 * the code is asked for again until it comes: otherwise one lost packet would leave a
 * button without effect until the page is loaded anew.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- whatever the view takes
export function late<T extends Component<any>>(load: () => Promise<{ default: T }>): T {
  return lazy(() => persist(load));
}

/** Tries until it works, at longer and longer intervals. */
export async function persist<T>(load: () => Promise<T>): Promise<T> {
  for (let wait = FIRST_MS; ; wait = Math.min(LAST_MS, 2 * wait)) {
    try {
      return await load();
    } catch {
      await new Promise((done) => setTimeout(done, wait));
    }
  }
}
