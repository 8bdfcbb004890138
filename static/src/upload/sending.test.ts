import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Answer, type Line, PART_BYTES, type Told, inTurns, nextPart, pause, sendFile, sizeWords } from "./sending";

const MB = 1024 * 1024;

/** A server that writes what comes at the right place, and answers as it is told to before. */
class Server {
  received = 0;
  puts = 0;
  waited: number[] = [];
  constructor(
    readonly size: number,
    readonly troubles: ("lost" | "cut" | "elsewhere" | "fine")[] = [],
  ) {}

  told(): Told {
    return { address: "/", size: this.size, received: this.received, whole: this.received >= this.size, fault: "" };
  }

  put(start: number, end: number): Answer {
    this.puts += 1;
    const trouble = this.troubles.shift() ?? "fine";
    if (trouble === "lost") return { kind: "unreachable" };
    if (trouble === "elsewhere") this.received = Math.floor(this.received / 2);
    if (start !== this.received) return { kind: "elsewhere", received: this.received };
    this.received = end;
    return trouble === "cut" ? { kind: "unreachable" } : { kind: "told", told: this.told() };
  }

  line(): Line {
    return {
      put: (_, start, end) => Promise.resolve(this.put(start, end)),
      wait: (milliseconds) => {
        this.waited.push(milliseconds);
        return Promise.resolve();
      },
      progress: () => undefined,
      down: () => undefined,
      ready: () => Promise.resolve(),
    };
  }
}

describe("sending a file", () => {
  it("goes in parts, the last one short", async () => {
    const server = new Server(9 * MB);
    expect(await sendFile(server.told(), server.line())).toEqual({ kind: "whole" });
    expect([server.received, server.puts]).toEqual([9 * MB, 3]);
  });

  it("goes on where the server is, and sends nothing of a file that is there", async () => {
    const server = new Server(9 * MB);
    server.received = 8 * MB;
    await sendFile(server.told(), server.line());
    expect([server.received, server.puts]).toEqual([9 * MB, 1]);
    await sendFile(server.told(), server.line());
    expect(server.puts).toBe(1);
  });

  it("arrives whole whatever breaks: lost parts, lost answers, another tab", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 30 * MB }),
        fc.array(fc.constantFrom("lost", "cut", "elsewhere", "fine"), { maxLength: 12 }),
        async (size, troubles) => {
          const server = new Server(size, [...troubles]);
          expect(await sendFile(server.told(), server.line())).toEqual({ kind: "whole" });
          expect(server.received).toBe(size);
        },
      ),
    );
  });

  it("waits longer after each failure, and ends when it is refused", async () => {
    const server = new Server(MB, ["lost", "lost", "lost"]);
    await sendFile(server.told(), server.line());
    expect(server.waited).toEqual([1000, 2000, 4000]);
    expect(pause(50)).toBe(15_000);
    const refusing = { ...server.line(), put: () => Promise.resolve<Answer>({ kind: "refused", message: "Full." }) };
    expect(await sendFile(new Server(MB).told(), refusing)).toEqual({ kind: "refused", message: "Full." });
    const faulty = { ...new Server(MB).told(), fault: "The file is a text." };
    expect(await sendFile(faulty, server.line())).toEqual({ kind: "refused", message: "The file is a text." });
  });
});

it("cuts parts of 4 MB", () => {
  expect(nextPart(0, 10)).toEqual([0, 10]);
  expect(nextPart(PART_BYTES, 2 * PART_BYTES + 1)).toEqual([PART_BYTES, 2 * PART_BYTES]);
  expect(nextPart(10, 10)).toBeNull();
});

it("works so many at a time, each once, in order", async () => {
  const begun: number[] = [];
  let busy = 0;
  let most = 0;
  await inTurns([1, 2, 3, 4, 5, 6, 7], 3, async (job) => {
    begun.push(job);
    most = Math.max(most, ++busy);
    await new Promise((resolve) => setTimeout(resolve, job % 3));
    busy -= 1;
  });
  expect(begun).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(most).toBe(3);
});

it("says sizes as people do", () => {
  expect([12, 850_000, 12_000_000, 2_400_000_000].map(sizeWords)).toEqual(["12 bytes", "850 kB", "12 MB", "2.4 GB"]);
});
