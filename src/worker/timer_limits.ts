/** Timers that a plugin may have. */
export const MAX_TIMERS = 100;
/** The longest name of one, in UTF-16 units. */
export const MAX_TIMER_NAME = 200;
/** The shortest `every`, in ms. */
export const MIN_EVERY_MS = 10;
