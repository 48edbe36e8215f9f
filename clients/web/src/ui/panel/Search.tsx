import { createMemo, createSignal, For, Show, type JSX } from "solid-js";
import { t } from "../../i18n";
import { tp } from "../../i18n/panels";
import { Empty, Failed, Skeleton } from "../kit/Empty";
import { Choice, Field } from "../kit/Field";
import { createDebounced } from "../kit/load";
import { More } from "../kit/More";
import { createPages } from "../kit/pages";
import { go, toRoom } from "../route";
import { roomTitle, useChat } from "../state";
import { useRoomView } from "../timeline/view";
import { MessageCard } from "./MessageCard";

const PAGE = 30;

export default function Search(): JSX.Element {
  const chat = useChat();
  const view = useRoomView();
  const [query, setQuery] = createSignal("");
  const [scope, setScope] = createSignal<"here" | "everywhere">("here");
  const [indexing, setIndexing] = createSignal(false);
  const still = createDebounced(query, 250);
  const asked = createMemo(() => ({ query: still().trim(), room: scope() === "here" ? view.room : "" }), undefined, { equals: (a, b) => a.query === b.query && a.room === b.room });
  const pages = createPages(asked, async ({ query, room }, after) => {
    if (!query) return { items: [], next: "" };
    const offset = Number(after) || 0;
    const found = await chat.client.commands.search({ query, room, limit: PAGE, offset });
    setIndexing(found.indexing);
    const seen = offset + found.hits.length;
    return { items: found.hits.filter((hit) => hit.event), next: found.hits.length === PAGE && seen < 10_000 ? String(seen) : "", total: Number(found.total) };
  });
  const open = (room: string, event: string) => (room === view.room ? view.jump(event) : go(toRoom(room, event)));
  return (
    <>
      <div class="panel-tools">
        <Field label={tp().searchPanel.label} hideLabel placeholder={tp().searchPanel.label} type="search" autofocus value={query()} onInput={setQuery} />
        <Choice
          label={tp().searchPanel.scope}
          hideLabel
          value={scope()}
          options={[
            { value: "here", label: tp().searchPanel.here },
            { value: "everywhere", label: tp().searchPanel.everywhere },
          ]}
          onChange={setScope}
        />
        <Show when={indexing()}>
          <p class="hint">{tp().searchPanel.indexing}</p>
        </Show>
      </div>
      <div class="panel-scroll" tabindex="-1">
        <Show when={!pages.error()} fallback={<Failed text={pages.error()} onRetry={pages.again} />}>
          <Show when={asked().query} fallback={<Empty title={tp().searchPanel.start} />}>
            <p class="hint panel-count" role="status">
              {pages.loading() ? t().app.loading : tp().searchPanel.results(pages.total())}
            </p>
            <Show when={pages.items().length > 0} fallback={pages.loading() ? <Skeleton lines={4} avatar /> : <Empty title={tp().searchPanel.none} hint={tp().searchPanel.noneHint} />}>
              <ul class="message-cards">
                <For each={pages.items()}>{(hit) => <MessageCard event={hit.event!} where={scope() === "everywhere" ? roomTitle(chat, chat.room(hit.room), t().rooms.unnamed) : undefined} onOpen={() => open(hit.room, hit.event!.id)} />}</For>
              </ul>
            </Show>
            <More of={pages} />
          </Show>
        </Show>
      </div>
    </>
  );
}
