import { createSignal, For, Show, type JSX } from "solid-js";
import { ta } from "../../i18n/admin";
import { Button } from "../kit/Button";
import { Empty, Failed, Skeleton } from "../kit/Empty";
import { Field } from "../kit/Field";
import { Icon } from "../kit/Icon";
import { createDebounced } from "../kit/load";
import { More } from "../kit/More";
import { createPages } from "../kit/pages";
import { useChat } from "../state";
import { AddUser } from "./AddUser";
import { UserItem } from "./UserItem";

export function Users(): JSX.Element {
  const chat = useChat();
  const [query, setQuery] = createSignal("");
  const [adding, setAdding] = createSignal(false);
  const still = createDebounced(query, 200);
  const pages = createPages(still, async (q, after) => {
    const page = await chat.client.commands.adminUsers({ query: q.trim(), after, limit: 50 });
    return { items: page.users, next: page.next, total: page.total };
  });
  return (
    <>
      <div class="tools">
        <Field label={ta().searchUsers} hideLabel placeholder={ta().searchUsers} type="search" value={query()} onInput={setQuery} />
        <Button look="primary" onClick={() => setAdding(true)}>
          <Icon name="plus" size={16} />
          {ta().addUser}
        </Button>
      </div>
      <Show when={!pages.error()} fallback={<Failed text={pages.error()} onRetry={pages.again} />}>
        <p class="hint">{ta().count(pages.total())}</p>
        <Show when={pages.items().length > 0} fallback={pages.loading() ? <Skeleton lines={6} avatar /> : <Empty title={ta().noUsers} />}>
          <ul class="plain-list">
            <For each={pages.items()}>{(user) => <UserItem user={user} onChanged={pages.again} />}</For>
          </ul>
        </Show>
        <More of={pages} />
      </Show>
      <Show when={adding()}>
        <AddUser onClose={() => setAdding(false)} onAdded={pages.again} />
      </Show>
    </>
  );
}
