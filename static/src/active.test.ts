import { expect, test } from "vitest";

import { ActiveClock } from "./active";

function clockAt(): { clock: ActiveClock; wait: (seconds: number) => void } {
  let now = 0;
  const clock = new ActiveClock(() => now);
  return { clock, wait: (seconds) => (now += seconds * 1000) };
}

test("the time between touches counts, and is taken once", () => {
  const { clock, wait } = clockAt();
  for (let turn = 0; turn < 5; turn++) {
    wait(2);
    clock.touch();
  }
  wait(1);
  expect(clock.take()).toBe(11);
  expect(clock.take()).toBe(0);
});

test("a pause above 30 seconds does not count, one below does", () => {
  const { clock, wait } = clockAt();
  wait(29);
  clock.touch();
  wait(31);
  clock.touch();
  wait(1);
  expect(clock.take()).toBe(30);
});

test("while the page is hidden nothing counts", () => {
  const { clock, wait } = clockAt();
  wait(3);
  clock.leave();
  wait(10);
  clock.touch();
  wait(2);
  expect(clock.take()).toBe(5);
});
