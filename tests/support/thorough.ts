/** Whether there is time for all that a test may try, as in `.ci/run`; the test command has not got it. */
const IS_THOROUGH = Deno.env.get("THOROUGH_TESTS") !== undefined;

/** A number for a test, how many or how far apart: `all` where there is time for that, else `some`. */
export function thorough(all: number, some: number): number {
  return IS_THOROUGH ? all : some;
}
