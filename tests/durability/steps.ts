import fc from "fast-check";

const SEND = fc.record({
  do: fc.constant("send" as const),
  command: fc.constantFrom(1001, 1001, 1001, 1002, 1003, 1004, 1005, 1006, 1007),
  sync: fc.constantFrom(false, false, false, true),
  key: fc.constantFrom(null, null, null, "a", "b"),
  delay: fc.constantFrom(0, 0, 0, 0.01, 0.05),
  count: fc.integer({ min: 1, max: 6 }),
});
const STEER = fc.record({
  do: fc.constantFrom(
    ...([
      "pause",
      "resume",
      "resume",
      "cancel",
      "cancel",
      "purge",
      "retry",
      "retry one",
      "forget one",
      "wait",
    ] as const),
  ),
  index: fc.nat(50),
});
const RELOAD = fc.record({ do: fc.constantFrom("rebound" as const, "renew" as const), index: fc.nat(9) });

/** One thing that a caller or an operator does. */
export type Step = ReturnType<typeof stepOf> extends fc.Arbitrary<infer T> ? T : never;

/** Steps, of which so many in a hundred are reloads. */
export function stepOf(reloads: number) {
  return fc.oneof(
    { weight: 60, arbitrary: SEND },
    { weight: 40, arbitrary: STEER },
    { weight: reloads, arbitrary: RELOAD },
  );
}
