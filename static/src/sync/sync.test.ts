import "fake-indexeddb/auto";

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { CellContent, Change, Uuid } from "../types";
import { contentOf, newUuid, sameContent } from "../types";
import { BATCH } from "./sync";
import type { Network, Tab } from "./world.testing";
import { REFUSED_CLASS, UNREADABLE_CLASS, World, content, serverCell, settled } from "./world.testing";

function put(tab: Tab, uuid: Uuid, after: CellContent | null): void {
  const cell = tab.store.cell(uuid);
  tab.edit([{ type: "cell", uuid, before: cell ? contentOf(cell) : null, after }]);
}

declare const process: { readonly env: Readonly<Record<string, string | undefined>> };

const A = newUuid();

describe("saving", () => {
  test("an edit is on the server within two seconds", async () => {
    const world = new World();
    const tab = await world.open();
    const drawn = content();
    put(tab, A, drawn);
    expect(tab.sync.status.state).toBe("saving");
    await world.advance(1_999);
    expect(world.server.stored.get(A)).toEqual([drawn]);
    expect(tab.sync.status).toMatchObject({ state: "saved", waiting: 0 });
    expect(tab.store.cell(A)?.version).toBe(1);
    expect(await world.kept()).toBe(0);
  });

  test("200 edits, the network cut for two minutes, the tab killed: 200 of 200, none twice", async () => {
    const world = new World();
    const first = await world.open();
    const uuids = Array.from({ length: 200 }, newUuid);
    for (const uuid of uuids.slice(0, 100)) put(first, uuid, content());
    await world.advance(1_000);
    world.network = "answer lost";
    for (const uuid of uuids.slice(100, 150)) put(first, uuid, content());
    await world.advance(1_000);
    world.network = "down";
    for (const uuid of uuids.slice(150)) put(first, uuid, content());
    await world.advance(120_000);
    expect(first.sync.status).toMatchObject({ state: "offline", waiting: 100 });
    first.kill();
    const second = await world.open();
    expect(second.store.size).toBe(200);
    world.network = "up";
    second.sync.wake();
    await world.advance(1_000);
    expect(second.sync.status.state).toBe("saved");
    expect(world.server.cells.size).toBe(200);
    expect([...world.server.stored.values()].map((stored) => stored.length)).toEqual(uuids.map(() => 1));
  });

  test("what is changed while a request is under way follows on the version that comes back", async () => {
    const world = new World([serverCell(A)]);
    const tab = await world.open();
    const [one, two, three] = [content(), content(), content()];
    put(tab, A, one);
    world.network = "answer lost";
    await world.advance(300);
    put(tab, A, two);
    put(tab, A, three);
    world.network = "up";
    await world.advance(5_000);
    expect(world.server.stored.get(A)?.slice(1)).toEqual([one, three]);
    expect(tab.store.cell(A)).toMatchObject({ ...three, version: 3 });
  });

  test("drawn and undone before it was sent: nothing is sent", async () => {
    const world = new World();
    const tab = await world.open();
    put(tab, A, content());
    put(tab, A, null);
    expect(tab.sync.status.state).toBe("saved");
    await world.advance(60_000);
    expect(world.server.requests).toBe(0);
    expect(await world.kept()).toBe(0);
  });

  test("many edits go in requests of at most 500, one after the other", async () => {
    const world = new World();
    const tab = await world.open();
    for (let count = 0; count < 1_200; count++) put(tab, newUuid(), content());
    await tab.sync.kept();
    await world.advance(2_000);
    expect(await flushed(world, tab)).toBe(true);
    expect(world.server.cells.size).toBe(1_200);
    expect(world.server).toMatchObject({ requests: 3, largest: BATCH, mostOpen: 1 });
  });

  test("attempts grow apart to 30 seconds; coming online tries at once", async () => {
    const world = new World();
    const tab = await world.open();
    world.network = "down";
    put(tab, A, content());
    const waits: (number | null)[] = [];
    tab.sync.on((status) => waits.push(status.retryIn));
    await world.advance(100_000);
    expect([...new Set(waits.filter((wait) => wait !== null))]).toEqual([1, 2, 4, 8, 16, 30]);
    world.network = "up";
    tab.sync.wake();
    await world.advance(0);
    expect(tab.sync.status.state).toBe("saved");
  });
});

async function flushed(world: World, tab: Tab): Promise<boolean> {
  const flushing = tab.sync.flush();
  await world.advance(1_000);
  return flushing;
}

describe("a cell that someone else changed", () => {
  async function conflict(): Promise<{ world: World; tab: Tab; mine: CellContent; theirs: CellContent }> {
    const world = new World([serverCell(A)]);
    const tab = await world.open();
    const [mine, theirs] = [content(), content()];
    world.server.change(A, theirs);
    put(tab, A, mine);
    await world.advance(1_000);
    return { world, tab, mine, theirs };
  }

  test("both are kept until the person chooses", async () => {
    const { world, tab, mine, theirs } = await conflict();
    expect(tab.sync.status).toMatchObject({ state: "conflict", waiting: 1 });
    expect(tab.sync.status.conflicts).toMatchObject([{ uuid: A, mine, theirs }]);
    expect(world.server.cells.get(A)).toMatchObject(theirs);
    tab.kill();
    const next = await world.open();
    await world.advance(60_000);
    expect(next.sync.status.conflicts).toMatchObject([{ uuid: A, mine, theirs }]);
    expect(next.store.cell(A)).toMatchObject(mine);
  });

  test("keep mine: it is stored on their version", async () => {
    const { world, tab, mine, theirs } = await conflict();
    tab.sync.keepMine(`cell:${A}`);
    await world.advance(1_000);
    expect(tab.sync.status.state).toBe("saved");
    expect(world.server.stored.get(A)?.slice(1)).toEqual([theirs, mine]);
  });

  test("take theirs: it is shown, and my edit can no longer be undone over it", async () => {
    const { world, tab, theirs } = await conflict();
    tab.history.push({ title: "move", changes: [{ type: "cell", uuid: A, before: null, after: null }] });
    tab.sync.takeTheirs(`cell:${A}`);
    await world.advance(1_000);
    expect(tab.sync.status).toMatchObject({ state: "saved", waiting: 0 });
    expect(tab.store.cell(A)).toMatchObject(theirs);
    expect(tab.history.undo()).toBeNull();
    expect(await world.kept()).toBe(0);
  });

  test("it does not hold up the others", async () => {
    const { world, tab } = await conflict();
    const other = newUuid();
    put(tab, other, content());
    await world.advance(1_000);
    expect(world.server.cells.has(other)).toBe(true);
    expect(await flushed(world, tab)).toBe(false);
  });
});

describe("a change that the server refuses", () => {
  test.each([REFUSED_CLASS, UNREADABLE_CLASS])("is kept and named, the others are stored (class %i)", async (bad) => {
    const world = new World();
    const tab = await world.open();
    const others = Array.from({ length: 20 }, newUuid);
    for (const uuid of others.slice(0, 7)) put(tab, uuid, content());
    put(tab, A, content(bad));
    for (const uuid of others.slice(7)) put(tab, uuid, content());
    await world.advance(3_000);
    expect(others.filter((uuid) => !world.server.cells.has(uuid))).toEqual([]);
    expect(tab.sync.status).toMatchObject({ state: "refused", waiting: 1 });
    expect(tab.sync.status.refusals).toMatchObject([{ uuid: A, prediction: null }]);
    expect(tab.sync.status.refusals[0]?.message).toMatch(/./);

    const mended = content();
    put(tab, A, mended);
    await world.advance(1_000);
    expect(tab.sync.status.state).toBe("saved");
    expect(world.server.stored.get(A)).toEqual([mended]);
  });

  test("discarded, the store shows what the server has", async () => {
    const before = content();
    const world = new World([serverCell(A, before)]);
    const tab = await world.open();
    const fresh = newUuid();
    put(tab, A, content(REFUSED_CLASS));
    put(tab, fresh, content(REFUSED_CLASS));
    await world.advance(1_000);
    tab.sync.discard(`cell:${A}`);
    tab.sync.discard(`cell:${fresh}`);
    expect(tab.store.cell(A)).toMatchObject(before);
    expect(tab.store.cell(fresh)).toBeUndefined();
    expect(tab.sync.status.state).toBe("saved");
  });
});

describe("two tabs on one reading", () => {
  test("what one has saved the other shows", async () => {
    const world = new World([serverCell(A)]);
    const [one, other] = [await world.open(), await world.open()];
    const edited = content();
    put(one, A, edited);
    await world.advance(1_000);
    expect(other.store.cell(A)).toMatchObject(edited);
    const again = content();
    put(other, A, again);
    await world.advance(1_000);
    expect(world.server.stored.get(A)?.slice(1)).toEqual([edited, again]);
  });

  test("a living tab keeps its own queue, a killed one is taken over", async () => {
    const world = new World();
    const one = await world.open();
    world.network = "down";
    put(one, A, content());
    await world.advance(1_000);
    const other = await world.open();
    expect(other.sync.status.waiting).toBe(0);
    one.kill();
    await world.advance(16_000);
    expect(other.sync.status.waiting).toBe(1);
    expect(other.store.cell(A)).toBeDefined();
  });

  test("a frozen tab that was taken over sends nothing twice when it wakes", async () => {
    const world = new World();
    const one = await world.open();
    world.network = "late";
    put(one, A, content());
    await world.advance(1_000);
    one.freeze();
    const other = await world.open();
    world.network = "up";
    other.sync.wake();
    await world.advance(2_000);
    const edited = content();
    put(other, A, edited);
    await world.advance(2_000);
    one.thaw();
    world.deliver();
    await world.advance(60_000);
    expect(world.server.stored.get(A)).toHaveLength(2);
    expect(world.server.cells.get(A)).toMatchObject(edited);
    expect(one.sync.status.state).toBe("saved");
  });
});

test("a frozen tab does not bring back what was undone in the tab that took over", async () => {
  const before = content();
  const world = new World([serverCell(A, before)]);
  const one = await world.open();
  put(one, A, content());
  await one.sync.kept();
  one.freeze();
  const other = await world.open();
  await world.advance(1_000);
  put(other, A, before);
  await world.advance(1_000);
  one.thaw();
  await world.advance(5_000);
  expect(world.server.cells.get(A)).toMatchObject({ ...before, version: 3 });
  expect(one.sync.status.state).toBe("saved");
});

/** What a person did and must find again: on the server once, or given up by choice, or refused by name. */
class Ledger {
  readonly #wishes = new Map<CellContent, { uuid: Uuid; isSettled: boolean; times: number }>();

  wish(uuid: Uuid, before: CellContent | null, after: CellContent | null): void {
    this.settle(uuid, before);
    if (after) this.#wishes.set(after, { uuid, isSettled: false, times: 1 });
  }

  /** Knowingly replaced, given up, or refused. */
  settle(uuid: Uuid, which: CellContent | null): void {
    for (const [wished, wish] of this.#wishes) {
      if (wish.uuid === uuid && sameContent(wished, which)) wish.isSettled = true;
    }
  }

  /** "Keep mine" stores over theirs what may have been stored before theirs already. */
  again(uuid: Uuid, which: CellContent | null): void {
    for (const [wished, wish] of this.#wishes) {
      if (wish.uuid === uuid && sameContent(wished, which)) wish.times++;
    }
  }

  /** Wishes that are nowhere, and those that the server stored more than once. */
  faults(world: World): string[] {
    return [...this.#wishes].flatMap(([wished, { uuid, isSettled, times }]) => {
      const stored = world.server.stored.get(uuid) ?? [];
      const count = stored.filter((one) => sameContent(one, wished)).length;
      const edit = JSON.stringify(wished.attributes);
      if (count > times) return [`${edit} stored ${count} times`];
      return count === 0 && !isSettled ? [`${edit} is lost`] : [];
    });
  }
}

interface Scene {
  readonly world: World;
  readonly ledger: Ledger;
  readonly uuids: Uuid[];
}

type Step = (scene: Scene) => Promise<void> | void;

function described(name: string, step: Step): Step {
  return Object.assign(step, { toString: () => name, [fc.toStringMethod]: () => name });
}

const index = fc.nat(5);

const edits = fc
  .tuple(index, index, fc.constantFrom(1, 1, 1, 1, REFUSED_CLASS, UNREADABLE_CLASS), fc.boolean())
  .map(([which, cell, kind, isDeletion]) =>
    described(`edit(${which}, ${cell}, ${kind}, ${isDeletion})`, ({ world, ledger, uuids }) => {
      const tab = world.alive.filter((one) => !one.isFrozen).at(which % 2);
      const uuid = uuids[cell];
      if (!tab || !uuid) return;
      const shown = tab.store.cell(uuid);
      const [before, after] = [shown ? contentOf(shown) : null, isDeletion && shown ? null : content(kind)];
      ledger.wish(uuid, before, after);
      put(tab, uuid, after);
    }),
  );

const networks = fc
  .constantFrom<Network>("up", "up", "down", "answer lost", "late")
  .map((network) => described(`network(${network})`, ({ world }) => void (world.network = network)));

const times = fc
  .constantFrom(0, 100, 300, 1_500, 16_000)
  .map((time) => described(`advance(${time})`, ({ world }) => world.advance(time)));

const lives = fc
  .tuple(fc.constantFrom("kill", "freeze", "thaw", "open"), fc.nat(1))
  .map(([what, which]) =>
    described(`${what}(${which})`, async ({ world }) => {
      const tab = world.alive.at(which);
      if (what === "open" && world.alive.length < 2) await world.open();
      if (what === "kill") tab?.kill();
      if (what === "freeze") tab?.freeze();
      if (what === "thaw") tab?.thaw();
    }),
  );

const others = index.map((cell) =>
  described(`someone else(${cell})`, ({ world, uuids }) => {
    world.server.change(uuids[cell] ?? "", content());
  }),
);

const choices = fc
  .tuple(fc.nat(1), fc.constantFrom("mine", "theirs", "retry", "deliver"))
  .map(([which, what]) =>
    described(`choose(${which}, ${what})`, ({ world, ledger }) => {
      const tab = world.alive.filter((one) => !one.isFrozen).at(which);
      if (what === "deliver") world.deliver();
      if (what === "retry") tab?.sync.retry();
      for (const { key, uuid, mine } of tab?.sync.status.conflicts ?? []) {
        if (what === "mine") {
          ledger.again(uuid, mine);
          tab?.sync.keepMine(key);
        } else if (what === "theirs") {
          ledger.settle(uuid, mine);
          tab?.sync.takeTheirs(key);
        }
      }
    }),
  );

/** The network is well again and the person resolves what is marked, until nothing waits. */
async function comeToRest({ world, ledger }: Scene): Promise<void> {
  world.network = "up";
  for (const tab of world.alive) tab.thaw();
  await world.advance(60_000);
  for (const tab of world.alive) tab.kill();
  const { sync } = await world.open();
  for (let turn = 0; turn < 40; turn++) {
    for (const { key, uuid, mine } of sync.status.conflicts) {
      ledger.again(uuid, mine);
      sync.keepMine(key);
    }
    for (const { key, uuid } of sync.status.refusals) {
      for (const wanted of [REFUSED_CLASS, UNREADABLE_CLASS]) {
        const cell = world.alive[0]?.store.cell(uuid ?? "");
        if (uuid && cell?.class === wanted) ledger.settle(uuid, contentOf(cell));
      }
      sync.discard(key);
    }
    await world.advance(20_000);
    if (sync.status.state === "saved" && (await world.kept()) === 0) return;
  }
  throw new Error(`it does not come to rest: ${JSON.stringify(sync.status)}`);
}

test("whatever fails, in whatever order: each edit is stored once, or kept and marked", { timeout: 60_000 }, async () => {
  const steps = fc.array(fc.oneof({ weight: 4, arbitrary: edits }, times, times, networks, lives, others, choices), {
    maxLength: 40,
    size: "max",
  });
  await fc.assert(
    fc.asyncProperty(steps, async (taken) => {
      const uuids = Array.from({ length: 6 }, newUuid);
      const scene: Scene = {
        world: new World(uuids.slice(0, 3).map((uuid) => serverCell(uuid))),
        ledger: new Ledger(),
        uuids,
      };
      await scene.world.open();
      for (const step of taken) await step(scene);
      await comeToRest(scene);
      await settled();
      expect(scene.ledger.faults(scene.world)).toEqual([]);
      const [tab] = scene.world.alive;
      for (const uuid of uuids) {
        const cell = scene.world.server.cells.get(uuid);
        const shown = tab?.store.cell(uuid);
        expect(shown ? contentOf(shown) : null).toEqual(cell && !cell.deleted ? contentOf(cell) : null);
      }
    }),
    { numRuns: Number(process.env.MARROWLOOP_RUNS ?? 60) },
  );
});

test("rejections are saved, and taken back", async () => {
  const world = new World();
  const tab = await world.open();
  const change: Change = { type: "rejection", prediction: 7, before: false, after: true };
  tab.edit([change]);
  await world.advance(1_000);
  expect(world.server.rejected).toEqual(new Set([7]));
  tab.edit([{ ...change, before: true, after: false }]);
  world.network = "answer lost";
  await world.advance(1_000);
  tab.kill();
  world.network = "up";
  const next = await world.open();
  await world.advance(1_000);
  expect(world.server.rejected).toEqual(new Set());
  expect(next.sync.status.state).toBe("saved");
});
