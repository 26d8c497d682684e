// A library to be loaded before others: the time of day is another one, by so many ms (SHIFTED_CLOCK_MS). The clocks that only
// measure are as they are.

#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static long long shift_ns;
static int (*real_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
  const char *text = getenv("SHIFTED_CLOCK_MS");
  shift_ns = text == NULL ? 0 : atoll(text) * 1000000LL;
  real_gettime = dlsym(RTLD_NEXT, "clock_gettime");
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  if (real_gettime == NULL) real_gettime = dlsym(RTLD_NEXT, "clock_gettime");
  int result = real_gettime(clock, now);
  if (result != 0 || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)) return result;
  long long ns = now->tv_sec * 1000000000LL + now->tv_nsec + shift_ns;
  now->tv_sec = ns / 1000000000LL;
  now->tv_nsec = ns % 1000000000LL;
  return 0;
}

int gettimeofday(struct timeval *now, void *zone) {
  struct timespec exact;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return -1;
  now->tv_sec = exact.tv_sec;
  now->tv_usec = exact.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *into) {
  struct timespec exact;
  clock_gettime(CLOCK_REALTIME, &exact);
  if (into != NULL) *into = exact.tv_sec;
  return exact.tv_sec;
}
