import { expect, test } from "vitest";

import type { Change } from "../types";
import { Queue } from "./queue";
import { content, serverCell } from "./world.testing";

const UUID = "6f1c2f5e-0000-4000-8000-000000000001";
const KEY = `cell:${UUID}`;

function edit(before: Change["before"], after: Change["after"]): Change {
  return { type: "cell", uuid: UUID, before, after } as Change;
}

test("a stale answer that shows what I sent is a lost first answer, not a conflict", () => {
  const [queue, mine] = [new Queue(), content()];
  queue.add(edit(null, mine));
  queue.take(10);
  const shown = queue.answer(KEY, { status: "stale", cell: serverCell(UUID, mine) });
  expect(shown.cells).toMatchObject([mine]);
  expect(queue.size).toBe(0);
});

test("both deleted it: there is nothing to choose", () => {
  const [queue, before] = [new Queue(), content()];
  queue.learn([serverCell(UUID, before)]);
  queue.add(edit(before, null));
  const [taken] = queue.take(10);
  expect(taken?.sent).toEqual({ type: "cell", uuid: UUID, version: 1, deleted: true, ...before });
  queue.answer(KEY, { status: "stale", cell: { ...serverCell(UUID, before), version: 2, deleted: true } });
  expect(queue.size).toBe(0);
});

test("refused, then undone: the server has what is wanted, so nothing is left to refuse", () => {
  const [queue, before, bad] = [new Queue(), content(), content()];
  queue.learn([serverCell(UUID, before)]);
  queue.add(edit(before, bad));
  queue.take(10);
  queue.answer(KEY, { status: "refused", message: "no" });
  expect(queue.get(KEY)?.trouble).toEqual({ type: "refused", message: "no" });
  expect(queue.isWaiting).toBe(false);
  queue.add(edit(bad, before));
  expect(queue.size).toBe(0);
});

test("a conflict stays a conflict while I go on editing, and then my last edit is kept", () => {
  const [queue, mine, later, theirs] = [new Queue(), content(), content(), content()];
  queue.learn([serverCell(UUID)]);
  queue.add(edit(content(), mine));
  queue.take(10);
  queue.answer(KEY, { status: "stale", cell: { ...serverCell(UUID, theirs), version: 5 } });
  queue.add(edit(mine, later));
  expect(queue.take(10)).toEqual([]);
  queue.keepMine(KEY);
  expect(queue.take(10)[0]?.sent).toEqual({ type: "cell", uuid: UUID, version: 5, deleted: false, ...later });
});

test("a circle that became a contour before it was saved is saved as both", () => {
  const [queue, round] = [new Queue(), content()];
  const outlined = { ...round, shape: { kind: "contour", points: [1, 1, 9, 1, 5, 9] } } as const;
  queue.add(edit(null, round), 2);
  queue.add(edit(round, outlined), 1);
  expect(queue.take(10)[0]?.sent).toMatchObject({ version: 0, shape: round.shape, seconds: 2 });
  queue.answer(KEY, { status: "saved", cell: serverCell(UUID, round) });
  expect(queue.take(10)[0]?.sent).toMatchObject({ version: 1, shape: outlined.shape, seconds: 1 });
  queue.answer(KEY, { status: "saved", cell: { ...serverCell(UUID, outlined), version: 2 } });
  expect(queue.size).toBe(0);
});

test("a rejection that is given up is taken back on the page", () => {
  const queue = new Queue();
  queue.add({ type: "rejection", prediction: 3, before: false, after: true });
  queue.take(10);
  queue.answer("rejection:3", { status: "refused", message: "This prediction is not there any more." });
  const { changes } = queue.giveUp("rejection:3");
  expect(changes).toEqual([{ type: "rejection", prediction: 3, before: true, after: false }]);
});
