import { createMemo, createResource, createSignal, For, onMount, Show, type JSX } from "solid-js";
import { language, t } from "../../i18n";
import { recentEmoji } from "../preferences";
import { findEmoji, loadEmoji, type Emoji } from "./data";

const COLUMNS = 8;

/** A grid of emoji with a search field; arrow keys walk it. No network, no styles of its own. */
export default function EmojiPicker(props: { onPick: (emoji: string) => void }): JSX.Element {
  const [all] = createResource(language, loadEmoji);
  const [query, setQuery] = createSignal("");
  let search: HTMLInputElement | undefined;
  let grid: HTMLDivElement | undefined;
  onMount(() => setTimeout(() => search?.focus(), 30));

  const groups = createMemo((): { name: string; list: readonly Emoji[] }[] => {
    const data = all() ?? [];
    if (query().trim()) return [{ name: t().common.search, list: findEmoji(data, query(), 80) }];
    const recent = recentEmoji().map((e) => data.find((d) => d.emoji === e) ?? { emoji: e, name: e, group: -1, codes: [], words: "" });
    const sections = t().emoji.groups.map((name, group) => ({ name, list: data.filter((e) => e.group === group) }));
    return [{ name: t().emoji.recent, list: recent }, ...sections].filter((g) => g.list.length > 0);
  });
  const empty = () => all.state === "ready" && groups().every((g) => g.list.length === 0);

  const onKeyDown = (e: KeyboardEvent) => {
    const buttons = [...(grid?.querySelectorAll<HTMLButtonElement>("button") ?? [])];
    const here = buttons.indexOf(document.activeElement as HTMLButtonElement);
    if (e.target === search) {
      if (e.key === "Enter" && query().trim() && buttons[0]) {
        e.preventDefault();
        props.onPick(buttons[0].textContent ?? "");
      } else if (e.key === "ArrowDown") {
        e.preventDefault();
        buttons[0]?.focus();
      }
      return;
    }
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -COLUMNS, ArrowDown: COLUMNS }[e.key];
    if (step === undefined || here < 0) return;
    e.preventDefault();
    if (here + step < 0) search?.focus();
    else buttons[Math.min(buttons.length - 1, here + step)]?.focus();
  };

  return (
    <div class="emoji-picker" onKeyDown={onKeyDown}>
      <input ref={search} class="emoji-search" type="search" value={query()} placeholder={t().emoji.search} aria-label={t().emoji.search} onInput={(e) => setQuery(e.currentTarget.value)} />
      <div class="emoji-grid" ref={grid} tabindex="-1">
        <Show when={!empty()} fallback={<p class="hint">{t().emoji.none}</p>}>
          <For each={groups()}>
            {(group) => (
              <section class="emoji-group" aria-label={group.name}>
                <p class="emoji-group-name">{group.name}</p>
                <div class="emoji-cells">
                  <For each={group.list}>
                    {(e) => (
                      <button type="button" class="emoji-cell" title={e.name} aria-label={e.name} onClick={() => props.onPick(e.emoji)}>
                        {e.emoji}
                      </button>
                    )}
                  </For>
                </div>
              </section>
            )}
          </For>
        </Show>
      </div>
    </div>
  );
}
