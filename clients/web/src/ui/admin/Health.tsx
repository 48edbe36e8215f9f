import { For, Show, type JSX } from "solid-js";
import { locale } from "../../i18n";
import { ta } from "../../i18n/admin";
import { Button } from "../kit/Button";
import { Failed, Skeleton } from "../kit/Empty";
import { Icon } from "../kit/Icon";
import { createLoad } from "../kit/load";
import { useChat } from "../state";
import { figureText } from "./figures";

export function Health(): JSX.Element {
  const chat = useChat();
  const health = createLoad(
    () => true,
    () => chat.client.commands.adminHealth({}),
  );
  const figures = () => Object.entries(health.value()?.figures ?? {}).sort(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b));
  const rank = (name: string) => {
    const at = Object.keys(ta().figures).indexOf(name);
    return at < 0 ? 99 : at;
  };
  const label = (name: string) => ta().figures[name] ?? name.replace(/_(bytes|seconds)$/, "").replaceAll("_", " ");
  return (
    <Show when={!health.error()} fallback={<Failed text={health.error()} onRetry={health.again} />}>
      <Show when={health.value()} fallback={<Skeleton lines={6} />}>
        <div class="tools">
          <p class="hint">{ta().version(health.value()!.version)}</p>
          <Button small busy={health.loading()} onClick={health.again}>
            {ta().refresh}
          </Button>
        </div>
        <h2>{ta().checks}</h2>
        <ul class="plain-list">
          <For each={health.value()!.checks}>
            {(check) => (
              <li class={`plain-item state-${check.state}`}>
                <Icon name={check.state === "ok" ? "check" : "alert"} />
                <div class="card-main">
                  <span class="card-title">{check.name}</span>
                  <span class="card-detail">{check.detail}</span>
                </div>
                <span class="state">{ta().states[check.state] ?? check.state}</span>
              </li>
            )}
          </For>
        </ul>
        <h2>{ta().figuresTitle}</h2>
        <dl class="figures">
          <For each={figures()}>
            {([name, value]) => (
              <div class="figure">
                <dt>{label(name)}</dt>
                <dd>{figureText(locale(), name, value)}</dd>
              </div>
            )}
          </For>
        </dl>
      </Show>
    </Show>
  );
}
