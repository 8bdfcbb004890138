// Sends one file in parts, from wherever the server says it is. Knows no page: what it needs is handed in.

export const PART_BYTES = 4 * 1024 * 1024;
export const AT_ONCE = 3;
const LONGEST_WAIT = 15_000;

/** A file as the server knows it. */
export interface Told {
  address: string;
  size: number;
  received: number;
  whole: boolean;
  fault: string;
}

/** What came back for a part. */
export type Answer =
  | { kind: "told"; told: Told }
  | { kind: "elsewhere"; received: number }
  | { kind: "refused"; message: string }
  | { kind: "stopped"; message: string }
  | { kind: "unreachable" };

export interface Line {
  /** Sends the bytes from `start` to `end` (not included). */
  put: (told: Told, start: number, end: number) => Promise<Answer>;
  wait: (milliseconds: number) => Promise<void>;
  progress: (received: number) => void;
  /** The line is down; it is tried again after so many milliseconds. 0: it is back. */
  down: (milliseconds: number) => void;
  /** Resolves when nobody has paused. */
  ready: () => Promise<void>;
}

export type Ending = { kind: "whole" } | { kind: "refused"; message: string } | { kind: "stopped"; message: string };

/** 1, 2, 4, 8 and then every 15 seconds. */
export function pause(failures: number): number {
  return Math.min(LONGEST_WAIT, 1000 * 2 ** Math.max(0, failures - 1));
}

export function nextPart(received: number, size: number): [number, number] | null {
  return received >= size ? null : [received, Math.min(size, received + PART_BYTES)];
}

/** Sends what is missing of a file, however often the connection breaks. */
export async function sendFile(told: Told, line: Line): Promise<Ending> {
  let now = told;
  let failures = 0;
  for (;;) {
    if (now.fault !== "") return { kind: "refused", message: now.fault };
    const part = nextPart(now.received, now.size);
    if (now.whole || part === null) return { kind: "whole" };
    await line.ready();
    const answer = await line.put(now, part[0], part[1]);
    if (answer.kind === "unreachable") {
      failures += 1;
      line.down(pause(failures));
      await line.wait(pause(failures));
      continue;
    }
    if (failures > 0) line.down(0);
    failures = 0;
    if (answer.kind === "refused" || answer.kind === "stopped") return answer;
    now = answer.kind === "told" ? answer.told : { ...now, received: answer.received, whole: answer.received >= now.size };
    line.progress(now.received);
  }
}

/** Works `jobs` off, so many at a time, in their order. */
export async function inTurns<T>(jobs: readonly T[], atOnce: number, work: (job: T) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let job = jobs[next++]; job !== undefined; job = jobs[next++]) await work(job);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, jobs.length) }, lane));
}

/** 2.4 GB, 12 MB, 850 kB, 12 bytes. */
export function sizeWords(size: number): string {
  for (const [step, word] of [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]] as const) {
    if (size >= step) return `${(size / step).toFixed(size < 10 * step ? 1 : 0)} ${word}`;
  }
  return `${size} bytes`;
}

/** What is said of the whole upload. */
export function stateWords(files: number, done: number, refused: number, received: number, size: number): string {
  const told = [`${done} of ${files} files`, `${sizeWords(received)} of ${sizeWords(size)}`];
  if (refused > 0) told.push(`${refused} refused`);
  return told.join(", ");
}
