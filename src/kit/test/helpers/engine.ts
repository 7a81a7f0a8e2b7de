/** A browser that is not Chromium. What a test does with it is the same for each. */
export interface Engine {
  name: string;
  /** A person's browser: without cookies, history and tabs that anybody else had. */
  newPerson(): Promise<Person>;
  close(): Promise<void>;
}

/** What an engine's protocol does for one person. */
export interface Person {
  newTab(): Promise<Tab>;
  /** The tabs that are open, in the order in which they were first seen. */
  tabs(): Promise<Tab[]>;
  /** Takes cookies of this name out of the browser, as if they had expired. */
  deleteCookie(name: string, from: Tab): Promise<void>;
  close(): Promise<void>;
}

/** What an engine's protocol does in one tab. */
export interface Tab {
  goTo(address: string): Promise<void>;
  address(): Promise<string>;
  back(): Promise<void>;
  forward(): Promise<void>;
  reload(): Promise<void>;
  /** The value of an expression, in the page's own world. */
  evaluate(expression: string): Promise<unknown>;
  /** What is shown with this role and this accessible name, as the engine itself computes them. */
  find(role: Role, name: string): Promise<Found | undefined>;
  resize(width: number, height: number): Promise<void>;
  /** A PNG of what is in sight. */
  screenshot(): Promise<Uint8Array>;
  close(): Promise<void>;
}

export type Role = keyof typeof candidates;

export interface Found {
  click(): Promise<void>;
  /** By the keyboard. */
  type(text: string): Promise<void>;
  /** Whether it has the focus. */
  hasFocus(): Promise<boolean>;
}

/** Which elements may have a role, for engines that only say which one an element has. */
export const candidates = {
  alert: '[role="alert"]',
  button: 'button, input[type="submit"], [role="button"]',
  heading: 'h1, h2, h3',
  link: 'a[href]',
  region: 'section, [role="region"]',
  textbox: 'input, textarea',
} as const;
