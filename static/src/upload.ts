// The page where files are chosen: sends them in parts, three at a time, and goes on where the server is.

import { AT_ONCE, type Answer, type Ending, type Line, type Told, inTurns, sendFile, sizeWords, stateWords } from "./upload/sending";

// Files offered to the server at a time, and lines of the list.
const OFFER = 500;
const LINES = 200;

interface Chosen {
  file: File;
  name: string;
}

interface Addresses {
  page: string;
  files: string;
}

class Stopped extends Error {}

function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page has no ${id}.`);
  return found;
}

class Upload {
  private readonly form = byId("upload", HTMLFormElement);
  private readonly bar = byId("upload-bar", HTMLProgressElement);
  private readonly state = byId("upload-state", HTMLElement);
  private readonly trouble = byId("upload-trouble", HTMLElement);
  private readonly list = byId("upload-list", HTMLUListElement);
  private readonly pauseButton = byId("upload-pause", HTMLButtonElement);
  private readonly receivedOf = new Map<Chosen, number>();
  private readonly waiting: Chosen[] = [];
  private count = 0;
  private addresses: Addresses | null = null;
  private size = 0;
  private received = 0;
  private done = 0;
  private refused = 0;
  private working = false;
  private paused: Promise<void> | null = null;
  private goOn: () => void = () => undefined;

  constructor() {
    const { files, page } = this.form.dataset;
    if (files !== undefined && page !== undefined) this.addresses = { files, page };
    byId("upload-send", HTMLElement).hidden = true;
    byId("upload-folder-line", HTMLElement).hidden = false;
    byId("drop-words", HTMLElement).hidden = false;
    for (const id of ["upload-files", "upload-folder"]) this.listen(byId(id, HTMLInputElement));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
    });
    this.takeDrops(byId("upload", HTMLFormElement));
    this.pauseButton.addEventListener("click", () => {
      this.togglePause();
    });
    window.addEventListener("beforeunload", (event) => {
      if (this.working) event.preventDefault();
    });
  }

  private listen(input: HTMLInputElement): void {
    input.addEventListener("change", () => {
      const files = Array.from(input.files ?? []);
      this.take(files.map((file) => ({ file, name: file.webkitRelativePath || file.name })));
    });
  }

  private takeDrops(place: HTMLElement): void {
    const box = place.querySelector(".drop") ?? place;
    for (const kind of ["dragover", "dragenter"]) {
      place.addEventListener(kind, (event) => {
        event.preventDefault();
        box.classList.add("over");
      });
    }
    for (const kind of ["dragleave", "drop"]) place.addEventListener(kind, () => { box.classList.remove("over"); });
    place.addEventListener("drop", (event) => {
      event.preventDefault();
      const entries = Array.from(event.dataTransfer?.items ?? []).map((item) => item.webkitGetAsEntry());
      void Promise.all(entries.filter((entry) => entry !== null).map((entry) => filesOf(entry, ""))).then((found) => {
        this.take(found.flat());
      });
    });
  }

  private take(files: Chosen[]): void {
    if (files.length === 0) return;
    this.count += files.length;
    for (const chosen of files) {
      this.size += chosen.file.size;
      this.waiting.push(chosen);
    }
    byId("upload-progress", HTMLElement).hidden = false;
    this.show();
    if (!this.working) void this.work();
  }

  private async work(): Promise<void> {
    this.working = true;
    this.pauseButton.hidden = false;
    this.trouble.textContent = "";
    try {
      while (this.waiting.length > 0) {
        const some = this.waiting.splice(0, OFFER);
        const told = await this.offer(some);
        await inTurns(some.map((chosen, index) => ({ chosen, told: told[index] })), AT_ONCE, async ({ chosen, told: row }) => {
          if (row !== undefined) await this.send(chosen, row);
        });
      }
      this.working = false;
      if (this.addresses !== null) window.location.assign(this.addresses.page);
    } catch (error) {
      this.working = false;
      this.trouble.textContent = error instanceof Stopped ? error.message : "The upload broke off: reload the page and choose the files again.";
    }
    this.pauseButton.hidden = true;
  }

  private async offer(files: Chosen[]): Promise<Told[]> {
    const body = { files: files.map(({ file, name }) => ({ name, size: file.size })) };
    this.addresses ??= (await this.ask(this.form.dataset.start ?? "", body)) as Addresses;
    window.history.replaceState(null, "", this.addresses.page);
    const answer = (await this.ask(this.addresses.files, body)) as { files: Told[] };
    return answer.files;
  }

  /** Asks until there is an answer: the connection may be away. */
  private async ask(address: string, body: unknown): Promise<unknown> {
    for (let failures = 1; ; failures += 1) {
      const answer = await this.fetch(address, "POST", JSON.stringify(body), "application/json");
      if (answer === null || answer.status >= 500) {
        this.say(Math.min(15_000, 1000 * 2 ** (failures - 1)));
        await sleep(Math.min(15_000, 1000 * 2 ** (failures - 1)));
        continue;
      }
      this.say(0);
      if (answer.ok) return answer.json();
      throw new Stopped(await messageOf(answer));
    }
  }

  private async fetch(address: string, method: string, body: BodyInit, kind: string): Promise<Response | null> {
    const token = this.form.querySelector<HTMLInputElement>("[name=csrfmiddlewaretoken]")?.value ?? "";
    try {
      return await fetch(address, {
        method,
        body,
        headers: { "Content-Type": kind, "X-CSRFToken": token },
        redirect: "manual",
        signal: AbortSignal.timeout(120_000),
      });
    } catch {
      return null;
    }
  }

  private async send(chosen: Chosen, told: Told): Promise<void> {
    const line = new FileLine(this.list, chosen.name, told.size, this.list.childElementCount < LINES);
    this.note(chosen, told.received);
    line.show(told.received);
    const ending = await sendFile(told, this.lineOf(chosen, line));
    if (ending.kind === "stopped") throw new Stopped(ending.message);
    if (ending.kind === "refused") this.refused += 1;
    else this.done += 1;
    this.note(chosen, chosen.file.size);
    line.end(ending);
    this.show();
  }

  private lineOf(chosen: Chosen, line: FileLine): Line {
    return {
      put: async (now, start, end) => {
        let part: ArrayBuffer;
        try {
          part = await chosen.file.slice(start, end).arrayBuffer();
        } catch {
          return { kind: "refused", message: "The file cannot be read any more: it was moved or changed meanwhile." };
        }
        const address = `${now.address}?offset=${start}`;
        return answerOf(await this.fetch(address, "PUT", part, "application/octet-stream"));
      },
      wait: sleep,
      progress: (received) => {
        this.note(chosen, received);
        line.show(received);
        this.show();
      },
      down: (milliseconds) => {
        this.say(milliseconds);
      },
      ready: () => this.paused ?? Promise.resolve(),
    };
  }

  private say(milliseconds: number): void {
    this.trouble.textContent =
      milliseconds === 0 ? "" : `The server cannot be reached. Trying again in ${Math.round(milliseconds / 1000)} s; nothing is lost.`;
  }

  private togglePause(): void {
    if (this.paused === null) {
      this.paused = new Promise((resolve) => {
        this.goOn = resolve;
      });
      this.pauseButton.textContent = "Go on";
    } else {
      this.paused = null;
      this.goOn();
      this.pauseButton.textContent = "Pause";
    }
  }

  private note(chosen: Chosen, received: number): void {
    this.received += received - (this.receivedOf.get(chosen) ?? 0);
    this.receivedOf.set(chosen, received);
  }

  private show(): void {
    this.bar.max = Math.max(1, this.size);
    this.bar.value = this.received;
    this.state.textContent = stateWords(this.count, this.done, this.refused, this.received, this.size);
  }
}

/** One line of the list. Of very many files only those that were refused are shown beyond the first. */
class FileLine {
  private readonly item = document.createElement("li");
  private readonly bar = document.createElement("progress");
  private readonly state = document.createElement("span");

  constructor(
    private readonly list: HTMLUListElement,
    private readonly name: string,
    private readonly size: number,
    shown: boolean,
  ) {
    const label = document.createElement("span");
    label.className = "name";
    label.textContent = name;
    this.bar.max = Math.max(1, size);
    this.bar.setAttribute("aria-label", name);
    this.state.className = "quiet number";
    this.item.append(label, this.bar, this.state);
    if (shown) list.append(this.item);
  }

  show(received: number): void {
    this.bar.value = received;
    this.state.textContent = sizeWords(this.size);
  }

  end(ending: Ending): void {
    this.bar.value = this.bar.max;
    this.state.textContent = ending.kind === "whole" ? "here" : "refused";
    if (ending.kind === "whole") return;
    const fault = document.createElement("span");
    fault.className = "fault";
    fault.textContent = ending.message;
    this.item.append(fault);
    this.bar.setAttribute("aria-label", `${this.name}, refused`);
    this.list.prepend(this.item);
  }
}

async function answerOf(answer: Response | null): Promise<Answer> {
  if (answer === null || answer.status >= 500) return { kind: "unreachable" };
  if (answer.ok) return { kind: "told", told: (await answer.json()) as Told };
  if (answer.status === 409) return { kind: "elsewhere", received: ((await answer.json()) as { received: number }).received };
  // What is wrong with the file itself is told with its row; this is about the upload as a whole.
  return { kind: "stopped", message: await messageOf(answer) };
}

async function messageOf(answer: Response): Promise<string> {
  if (answer.type === "opaqueredirect") return "You are signed out: sign in again in another window, then reload this page.";
  const told = (await answer.json().catch(() => ({}))) as { message?: string };
  return told.message ?? "The server does not take this upload any more: reload the page.";
}

/** The files of what was dropped, folders opened. */
async function filesOf(entry: FileSystemEntry, above: string): Promise<Chosen[]> {
  const name = above + entry.name;
  if (entry instanceof FileSystemFileEntry) {
    const file = await new Promise<File>((resolve, reject) => {
      entry.file(resolve, reject);
    });
    return [{ file, name }];
  }
  if (!(entry instanceof FileSystemDirectoryEntry)) return [];
  const reader = entry.createReader();
  const found: Chosen[] = [];
  for (;;) {
    // A reader gives a hundred entries at a time, and none at the end.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (some.length === 0) return found;
    for (const inside of some) found.push(...(await filesOf(inside, `${name}/`)));
  }
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = window.setTimeout(resolve, milliseconds);
    window.addEventListener("online", () => { window.clearTimeout(timer); resolve(); }, { once: true });
  });
}

if (document.getElementById("upload") !== null) new Upload();
