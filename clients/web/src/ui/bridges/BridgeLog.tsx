import { createSignal, For, onCleanup, onMount, Show, type JSX } from "solid-js";
import type { LogLine } from "../../gen/client_pb";
import { locale } from "../../i18n";
import { tb } from "../../i18n/bridges";
import { fullTime } from "../../i18n/dates";
import { errorText } from "../errors";
import { Dialog } from "../kit/Dialog";
import { useChat } from "../state";

const EVERY_MS = 2_000;
const MAX_LINES = 500;

/** What the plugin has logged, as it goes on. */
export function BridgeLog(props: { name: string; onClose: () => void }): JSX.Element {
  const chat = useChat();
  const [lines, setLines] = createSignal<readonly LogLine[]>([]);
  const [error, setError] = createSignal("");
  const fetch = async () => {
    try {
      const { lines: more } = await chat.client.commands.adminBridgeLogs({ name: props.name, after: lines().at(-1)?.seq ?? 0n });
      setError("");
      if (more.length > 0) setLines([...lines(), ...more].slice(-MAX_LINES));
    } catch (failure) {
      setError(errorText(failure));
    }
  };
  onMount(() => {
    void fetch();
    const timer = setInterval(() => void fetch(), EVERY_MS);
    onCleanup(() => clearInterval(timer));
  });
  return (
    <Dialog open wide title={tb().logTitle(props.name)} onClose={props.onClose}>
      <Show when={error()}>
        <p class="field-error" role="alert">
          {error()}
        </p>
      </Show>
      <div class="bridge-log" role="log" aria-label={tb().logTitle(props.name)} tabindex="0">
        <For each={lines()} fallback={<p class="hint">{tb().logEmpty}</p>}>
          {(line) => (
            <p>
              <time>{fullTime(locale(), Number(line.time))}</time> <span>{line.text}</span>
            </p>
          )}
        </For>
      </div>
    </Dialog>
  );
}
