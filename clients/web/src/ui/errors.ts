import { t } from "../i18n";
import { notify } from "./kit/Toast";
import { errorText } from "./refusal";

export { errorText };

/** Runs what a button asks for; a failure is told in a notice. Resolves to whether it worked. */
export async function attempt(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    notify(errorText(error), "error");
    return false;
  }
}

/** Gives a command that the room's home decides on; says so when that is away and it waits. */
export async function decided(command: Promise<{ waiting: boolean }>): Promise<void> {
  if ((await command).waiting) notify(t().room.asked);
}

export async function copyText(text: string, done: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    notify(done);
  } catch {
    notify(t().errors.copyFailed, "error");
  }
}
