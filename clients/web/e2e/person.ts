// People: a browser context each, with what they do on the page. Everything is found as
// a screen reader finds it, by role and name.
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { chromium, type Browser, type BrowserContext, type Locator, type Page } from "playwright-core";
import { password } from "./node.ts";

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
    readonly page: Page,
  ) {}

  /** A new person at the address, not signed in. The node's own certificate is accepted. */
  static async at(browser: Browser, url: string, name: string, options: ContextOptions = {}): Promise<Person> {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: "en-GB", ...options });
    const page = await context.newPage();
    const person = new Person(name, context, page);
    page.on("pageerror", (error) => person.complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") person.complaints.push(message.text());
    });
    await page.goto(url);
    return person;
  }

  /** Makes the account by an invite's link, which may name another address of the node. */
  async register(link: string): Promise<this> {
    const url = new URL(this.page.url());
    await this.page.goto(url.origin + "/" + new URL(link).hash);
    await this.page.getByLabel("Username").fill(this.name);
    await this.page.getByLabel("Password", { exact: true }).fill(password);
    await this.page.getByRole("button", { name: "Create account" }).click();
    await this.rooms.waitFor();
    return this;
  }

  async signIn(): Promise<this> {
    await this.page.getByLabel("Username").fill(this.name);
    await this.page.getByLabel("Password", { exact: true }).fill(password);
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
  async sees(text: string, timeout = 15_000): Promise<void> {
    await this.message(text).first().waitFor({ timeout });
    const times = await this.message(text).count();
    if (times !== 1) throw new Error(`${this.name} sees "${text}" ${times} times`);
  }

  async leave(): Promise<void> {
    await this.context.close();
  }
}
