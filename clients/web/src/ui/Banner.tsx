import { createEffect, createMemo, createSignal, onCleanup, Show, type JSX } from "solid-js";
import { t } from "../i18n";
import { Button } from "./kit/Button";
import { Icon } from "./kit/Icon";
import { useChat } from "./state";

const PATIENCE_MS = 1200; // a break this short is nobody's business

/** Says that the node cannot be reached, when the next try is, and lets one try now. */
export function Banner(): JSX.Element {
  const chat = useChat();
  const [shown, setShown] = createSignal(false);
  const [now, setNow] = createSignal(Date.now());
  const away = createMemo(() => chat.connection().phase !== "online"); // a memo: tries that fail do not start the wait anew

  createEffect(() => {
    setShown(false);
    if (!away()) return;
    const show = setTimeout(() => setShown(true), PATIENCE_MS);
    const tick = setInterval(() => setNow(Date.now()), 1000);
    onCleanup(() => {
      clearTimeout(show);
      clearInterval(tick);
    });
  });
  const retry = () => {
    const { phase, retryAt } = chat.connection();
    if (phase !== "offline" || !retryAt) return t().connection.retrying;
    const seconds = Math.ceil((retryAt - now()) / 1000);
    return seconds > 0 ? t().connection.retryIn(seconds) : t().connection.retrying;
  };
  return (
    <Show when={shown() && away()}>
      <section class="banner" aria-label={t().connection.offline}>
        <Icon name="alert" size={16} />
        <span class="banner-text">
          <span role="status">{t().connection.banner}</span>{" "}
          {/* The countdown is not read out each second. */}
          <span aria-live="off">{retry()}</span>
        </span>
        <Button small onClick={() => chat.client.reconnectNow()}>
          {t().connection.retryNow}
        </Button>
      </section>
    </Show>
  );
}
