/** The button with which users are told of changes while no board is open. */

import { ask } from './access.js';

const DENIED = 'This browser blocks notifications of this page: allow them in'
  + ' its settings, and reload.';
const UNSUPPORTED = 'This browser can’t be told of changes here.';

/**
 * Subscribes to Web Push, and ends that.
 *
 * Its `data-state` is 'off', 'on', 'denied' or 'unsupported'.  The button is
 * hidden if the server doesn't push.
 *
 * button   the element.
 * worker   the registration of the service worker, or null.
 * notices  the Notices that say why something is not possible.
 */
export class PushButton {
  #key;
  #id = null;

  constructor(button, worker, notices) {
    this.button = button;
    this.worker = worker;
    this.notices = notices;
    button.addEventListener('click', () => this.#click());
  }

  /** Asks the server whether it pushes, and shows the button. */
  async start() {
    const response = await ask('push').catch(() => null);
    if (response?.status !== 200) return;
    this.#key = (await response.json()).public_key;
    const subscription = await this.#find();
    if (subscription) await this.#register(subscription).catch(() => {});
    this.#show();
    this.button.hidden = false;
  }

  get #state() {
    if (!this.worker?.pushManager || !globalThis.Notification) {
      return 'unsupported';
    }
    if (Notification.permission === 'denied') return 'denied';
    return this.#id === null ? 'off' : 'on';
  }

  #show() {
    const state = this.#state;
    const isPossible = state === 'on' || state === 'off';
    this.button.dataset.state = state;
    this.button.ariaPressed = String(state === 'on');
    this.button.ariaDisabled = String(!isPossible);
    this.button.title = isPossible
      ? 'Show a notification when the board has changed'
      : this.#reason(state);
  }

  #reason(state) {
    return state === 'denied' ? DENIED : UNSUPPORTED;
  }

  async #click() {
    if (this.button.ariaBusy === 'true') return;
    const before = this.#state;
    if (before === 'denied' || before === 'unsupported') {
      this.notices.show(this.#reason(before));
    } else {
      this.button.ariaBusy = 'true';
      try {
        await (before === 'on' ? this.#turnOff() : this.#turnOn());
      } catch (error) {
        this.notices.show(`Not possible now: ${error.message}`);
      }
      this.button.ariaBusy = 'false';
    }
    this.#show();
  }

  async #turnOn() {
    const permission = await Notification.requestPermission();
    if (permission === 'denied') this.notices.show(DENIED);
    if (permission !== 'granted') return;
    // The server may have another key than when this browser subscribed.
    await (await this.#find())?.unsubscribe();
    await this.#register(await this.worker.pushManager.subscribe({
      userVisibleOnly: true, applicationServerKey: this.#key }));
    this.notices.show('You will be told of changes while no board is open.');
  }

  async #turnOff() {
    await ask(`push/${this.#id}`, { method: 'DELETE' });
    await (await this.#find())?.unsubscribe();
    this.#id = null;
    this.notices.show('You will not be told of changes any more.');
  }

  async #find() {
    return await this.worker?.pushManager?.getSubscription() ?? null;
  }

  async #register(subscription) {
    const response = await ask('push', {
      method: 'PUT', body: JSON.stringify(subscription),
      headers: { 'Content-Type': 'application/json' } });
    const found = await response.json();
    if (!response.ok) throw new Error(found.detail);
    this.#id = found.id;
  }
}
