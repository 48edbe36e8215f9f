import type { ChatClient } from "./api";

/** Makes the page's one client. */
export function createClient(): ChatClient {
  throw new Error("the client is not written yet");
}
