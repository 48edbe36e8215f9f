// People: a browser context each, with what they do on the page. Everything is found as
// a screen reader finds it, by role and name.
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { chromium, type Browser, type BrowserContext, type Locator, type Page } from "playwright-core";
import { people } from "./evidence.ts";
import { password } from "./node.ts";
import { patience, until } from "./until.ts";

/** Real Chromium: scripts/need.sh says where it is. */
export function launch(): Promise<Browser> {
  const need = resolve(import.meta.dirname, "../../../scripts/need.sh");
  return chromium.launch({
    executablePath: execFileSync(need, ["browser"], { encoding: "utf8" }).trim(),
    args: ["--disable-dev-shm-usage", "--disable-gpu"],
  });
}

type ContextOptions = NonNullable<Parameters<Browser["newContext"]>[0]>;

export class Person {
  /** What the page complained of: errors nobody caught, and the console's. */
  complaints: string[] = [];

  private constructor(
    readonly name: string,
    readonly context: BrowserContext,
    public page: Page,
  ) {
    this.#listen();
    people.add(this);
  }

  /** A new person at the address, not signed in. The node's own certificate is accepted. */
  static async at(browser: Browser, url: string, name: string, options: ContextOptions = {}): Promise<Person> {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: "en-GB", ...options });
    context.setDefaultTimeout(patience);
    const person = new Person(name, context, await context.newPage());
    await person.#visit(url);
    return person;
  }

  /**
   * Goes to an address, and again when the browser broke off what it was loading: it does so
   * whenever some program of the machine (test/process, say) makes or removes a network interface.
   */
  async #visit(url: string): Promise<void> {
    const before = this.complaints.length;
    const changed = () => this.complaints.slice(before).some((text) => text.includes("ERR_NETWORK_CHANGED"));
    for (let i = 0; i < 5; i++) {
      await this.page.goto(url).catch((error: unknown) => {
        this.complaints.push(String(error));
        if (!changed()) throw error;
      });
      if (!changed()) return;
      this.complaints.length = before;
    }
  }

  #listen(): void {
    this.page.on("pageerror", (error) => this.complaints.push(String(error)));
    this.page.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(message.text());
    });
  }

  /** Closes the tab, and opens the page anew in another tab of the same browser. */
  async reopen(url: string): Promise<void> {
    await this.page.close();
    this.page = await this.context.newPage();
    this.#listen();
    await this.#visit(url);
  }

  /** One more tab of the same browser: the same person twice. */
  async secondTab(): Promise<Person> {
    const other = new Person(`${this.name} again`, this.context, await this.context.newPage());
    await other.#visit(this.page.url());
    return other;
  }

  /** Makes the account by an invite's link, which may name another address of the node. */
  async register(link: string): Promise<this> {
    const url = new URL(this.page.url());
    await this.#visit(url.origin + "/" + new URL(link).hash);
    await this.page.getByLabel("Username").fill(this.name);
    await this.page.getByLabel("Password", { exact: true }).fill(password);
    await this.page.getByRole("button", { name: "Create account" }).click();
    await this.rooms.waitFor();
    return this;
  }

  /** Fills in the sign-in form. */
  async type(): Promise<void> {
    await this.page.getByLabel("Username").fill(this.name);
    await this.page.getByLabel("Password", { exact: true }).fill(password);
  }

  async signIn(): Promise<this> {
    await this.type();
    await this.page.getByRole("button", { name: "Sign in" }).click();
    await this.rooms.waitFor();
    return this;
  }

  get rooms(): Locator {
    return this.page.getByRole("navigation", { name: "Rooms" });
  }

  get composer(): Locator {
    return this.page.getByRole("textbox", { name: "Message" });
  }

  /** The timeline that is open. */
  get messages(): Locator {
    return this.page.getByRole("log", { name: "Messages" });
  }

  /** The message with this text. */
  message(text: string): Locator {
    return this.messages.getByRole("article").filter({ hasText: text });
  }

  async open(room: string): Promise<void> {
    await this.rooms.getByRole("link", { name: room }).click();
    await this.composer.waitFor();
  }

  async say(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.page.getByRole("button", { name: "Send", exact: true }).click();
  }

  /** Waits until the text is there, and wants it there once. */
  async sees(text: string, timeout = patience): Promise<void> {
    await this.message(text).first().waitFor({ timeout });
    const times = await this.message(text).count();
    if (times !== 1) throw new Error(`${this.name} sees "${text}" ${times} times`);
  }

  /** How long the node took for the password, in milliseconds: that is no matter of the connection. */
  signInTook(): Promise<number> {
    return this.page.evaluate(() => {
      const asked = performance.getEntriesByType("resource").filter((e) => e.name.endsWith("/Login"));
      return asked[asked.length - 1]?.duration ?? 0;
    });
  }

  /** By what the page says it is connected. */
  async connectedBy(transport: "WebTransport" | "WebSocket", timeout = patience): Promise<void> {
    await this.page.getByTitle(`Connected by ${transport}`).waitFor({ timeout });
  }

  /** Brings up a message's actions, as a pointer over it does, and takes one from the bar. */
  async act(text: string, action: string): Promise<void> {
    // The list may move under the pointer just then, as a message comes: people point again.
    await until(async () => {
      await this.message(text).hover();
      await this.message(text).getByRole("toolbar").getByRole("button", { name: action, exact: true }).click({ timeout: 3_000 });
    });
  }

  /** Takes an action that is only in the menu. */
  async choose(text: string, action: string): Promise<void> {
    await this.act(text, "More actions");
    await this.page.getByRole("menuitem", { name: action, exact: true }).click();
  }

  /** Reacts to a message with the first emoji that is found by these words. */
  async react(text: string, words: string): Promise<void> {
    await this.act(text, "React");
    const search = this.page.getByRole("searchbox", { name: "Search emoji" });
    await search.fill(words);
    await this.page.getByRole("region", { name: "Search", exact: true }).getByRole("button").first().waitFor(); // they are loaded just then
    await search.press("Enter");
  }

  /** From the menu of the account. */
  async goTo(entry: string): Promise<void> {
    await this.page.getByRole("button", { name: "Account and settings" }).click();
    await this.page.getByRole("menuitem", { name: entry }).click();
  }

  async leave(): Promise<void> {
    people.delete(this);
    await this.context.close();
  }
}
