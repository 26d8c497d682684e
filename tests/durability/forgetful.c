/*
 * Notes what a file system would know after a power cut. Loaded by LD_PRELOAD into a server, it writes a line for each call that
 * changes or syncs something below FORGETFUL_ROOT to the file FORGETFUL_LOG, before the change is made:
 *
 *   c PATH INODE                 a file or folder was made there
 *   r PATH NEW_PATH INODE        renamed
 *   u PATH INODE                 unlinked; its bytes are kept as FORGETFUL_KEPT/INODE, as are those of a file renamed over
 *   w INODE AT SIZE HEX LENGTH   LENGTH bytes are about to be written at AT of a file of SIZE bytes; HEX is what is there, "-"
 *                                where that is nothing, or zeros alone
 *   t INODE LENGTH SIZE HEX      it is about to be cut to LENGTH bytes, or made as long
 *   b INODE SIZE                 a sync of a file or folder begins
 *   s INODE                      it has ended well: what came before its `b` is on the disk
 *
 * A sync takes FORGETFUL_SYNC_MS longer than it does. Nothing is noted of memory maps and of copies within the kernel.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name)) real(#name))

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static void note(const char *line, size_t length) {
  static int log = -1;
  if (log < 0) {
    const char *path = getenv("FORGETFUL_LOG");
    log = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }
  if (syscall(SYS_write, log, line, length) != (long)length) abort();
}

static void notef(const char *format, ...) {
  char line[2 * PATH_MAX + 128];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  if (length < 0 || (size_t)length >= sizeof line) abort();
  note(line, length);
}

static int below_root(const char *path) {
  const char *root = getenv("FORGETFUL_ROOT");
  if (root == NULL) return 0;
  size_t length = strlen(root);
  return strncmp(path, root, length) == 0 && (path[length] == '/' || path[length] == 0);
}

/* The absolute path of a name that may be relative to a folder. */
static void resolve(int folder, const char *path, char *into) {
  if (path[0] == '/') {
    snprintf(into, PATH_MAX, "%s", path);
    return;
  }
  char base[PATH_MAX] = "";
  if (folder == AT_FDCWD) {
    if (getcwd(base, sizeof base) == NULL) base[0] = 0;
  } else {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t length = readlink(link, base, sizeof base - 1);
    base[length < 0 ? 0 : length] = 0;
  }
  char joined[2 * PATH_MAX];
  snprintf(joined, sizeof joined, "%s/%s", base, path);
  joined[PATH_MAX - 1] = 0;
  memcpy(into, joined, PATH_MAX);
}

/* Whether the descriptor is of a file or folder below the root. */
static int watched(int fd, struct stat *info) {
  if (getenv("FORGETFUL_ROOT") == NULL) return 0;
  if (fstat(fd, info) != 0 || !(S_ISREG(info->st_mode) || S_ISDIR(info->st_mode))) return 0;
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return below_root(path);
}

static char *hex_of(int fd, off_t at, size_t length) {
  unsigned char *bytes = malloc(length);
  ssize_t got = syscall(SYS_pread64, fd, bytes, length, at);
  int is_zero = 1;
  for (ssize_t i = 0; i < got; i++) is_zero = is_zero && bytes[i] == 0;
  char *hex = malloc(got > 0 ? 2 * got + 1 : 2);
  if (got <= 0 || is_zero) strcpy(hex, "-");
  else
    for (ssize_t i = 0; i < got; i++) sprintf(hex + 2 * i, "%02x", bytes[i]);
  free(bytes);
  return hex;
}

/* A file that was opened for writing alone is read by another descriptor. */
static char *old_bytes(int fd, off_t at, off_t size, size_t length) {
  if (at >= size || length == 0) return strdup("-");
  size_t there = (off_t)length > size - at ? (size_t)(size - at) : length;
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  int reader = syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC);
  if (reader < 0) abort();
  char *hex = hex_of(reader, at, there);
  syscall(SYS_close, reader);
  return hex;
}

static void note_write(int fd, off_t at, size_t length) {
  int saved = errno;
  struct stat info;
  if (watched(fd, &info)) {
    if (at < 0) at = fcntl(fd, F_GETFL) & O_APPEND ? info.st_size : lseek(fd, 0, SEEK_CUR);
    char *hex = old_bytes(fd, at, info.st_size, length);
    char *line = malloc(strlen(hex) + 128);
    int size = sprintf(line, "w %lu %ld %ld %s %zu\n", info.st_ino, at, info.st_size, hex, length);
    note(line, size);
    free(line);
    free(hex);
  }
  errno = saved;
}

static size_t sum_of(const struct iovec *parts, int count) {
  size_t sum = 0;
  for (int i = 0; i < count; i++) sum += parts[i].iov_len;
  return sum;
}

ssize_t write(int fd, const void *bytes, size_t length) {
  note_write(fd, -1, length);
  return REAL(write)(fd, bytes, length);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) {
  note_write(fd, at, length);
  return REAL(pwrite)(fd, bytes, length, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
  note_write(fd, at, length);
  return REAL(pwrite64)(fd, bytes, length, at);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  note_write(fd, -1, sum_of(parts, count));
  return REAL(writev)(fd, parts, count);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  note_write(fd, at, sum_of(parts, count));
  return REAL(pwritev)(fd, parts, count, at);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
  note_write(fd, at, sum_of(parts, count));
  return REAL(pwritev64)(fd, parts, count, at);
}

static void note_cut(int fd, off_t length) {
  struct stat info;
  if (!watched(fd, &info)) return;
  char *hex = old_bytes(fd, length, info.st_size, info.st_size > length ? info.st_size - length : 0);
  char *line = malloc(strlen(hex) + 128);
  int size = sprintf(line, "t %lu %ld %ld %s\n", info.st_ino, length, info.st_size, hex);
  note(line, size);
  free(line);
  free(hex);
}

int ftruncate(int fd, off_t length) {
  note_cut(fd, length);
  return REAL(ftruncate)(fd, length);
}

int ftruncate64(int fd, off64_t length) {
  note_cut(fd, length);
  return REAL(ftruncate64)(fd, length);
}

int fallocate(int fd, int mode, off_t at, off_t length) {
  struct stat info;
  if (mode == 0 && watched(fd, &info) && at + length > info.st_size) note_cut(fd, at + length);
  return REAL(fallocate)(fd, mode, at, length);
}

static int synced(int fd, int (*sync)(int)) {
  struct stat info;
  if (!watched(fd, &info)) return sync(fd);
  notef("b %lu %ld\n", info.st_ino, info.st_size);
  const char *slow = getenv("FORGETFUL_SYNC_MS");
  if (slow != NULL) usleep(1000 * atoi(slow));
  int result = sync(fd);
  int saved = errno;
  if (result == 0) notef("s %lu\n", info.st_ino);
  errno = saved;
  return result;
}

int fsync(int fd) { return synced(fd, REAL(fsync)); }
int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

/* What a name stands for; 0 where there is nothing. */
static ino_t inode_of(const char *path) {
  struct stat info;
  return lstat(path, &info) == 0 ? info.st_ino : 0;
}

static void keep(const char *path, ino_t inode) {
  char kept[PATH_MAX];
  snprintf(kept, sizeof kept, "%s/%lu", getenv("FORGETFUL_KEPT"), inode);
  int saved = errno;
  if (syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, kept, 0) != 0 && errno != EEXIST && errno != EPERM) abort();
  errno = saved;
}

static int opened(int folder, const char *path, int flags, mode_t mode) {
  char whole[PATH_MAX];
  resolve(folder, path, whole);
  int is_ours = below_root(whole);
  ino_t before = is_ours ? inode_of(whole) : 0;
  if (is_ours && before != 0 && flags & O_TRUNC) {
    int fd = syscall(SYS_openat, AT_FDCWD, whole, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
      note_cut(fd, 0);
      syscall(SYS_close, fd);
    }
  }
  int fd = syscall(SYS_openat, folder, path, flags | O_LARGEFILE, mode);
  int saved = errno;
  struct stat info;
  if (fd >= 0 && is_ours && before == 0 && fstat(fd, &info) == 0) notef("c %s %lu\n", whole, info.st_ino);
  errno = saved;
  return fd;
}

#define MODE_OF(flags)                                        \
  mode_t mode = 0;                                            \
  if ((flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE) { \
    va_list args;                                             \
    va_start(args, flags);                                    \
    mode = va_arg(args, mode_t);                              \
    va_end(args);                                             \
  }

int open(const char *path, int flags, ...) { MODE_OF(flags) return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE_OF(flags) return opened(AT_FDCWD, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE_OF(flags) return opened(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE_OF(flags) return opened(folder, path, flags, mode); }

int mkdir(const char *path, mode_t mode) {
  char whole[PATH_MAX];
  resolve(AT_FDCWD, path, whole);
  int result = REAL(mkdir)(path, mode);
  int saved = errno;
  if (result == 0 && below_root(whole)) notef("c %s %lu\n", whole, inode_of(whole));
  errno = saved;
  return result;
}

static void note_rename(int from, const char *path, int to, const char *new_path) {
  char whole[PATH_MAX], new_whole[PATH_MAX];
  resolve(from, path, whole);
  resolve(to, new_path, new_whole);
  if (!below_root(whole) && !below_root(new_whole)) return;
  ino_t over = inode_of(new_whole);
  if (over != 0) keep(new_whole, over);
  notef("r %s %s %lu\n", whole, new_whole, inode_of(whole));
}

int rename(const char *path, const char *new_path) {
  note_rename(AT_FDCWD, path, AT_FDCWD, new_path);
  return REAL(rename)(path, new_path);
}

int renameat(int from, const char *path, int to, const char *new_path) {
  note_rename(from, path, to, new_path);
  return REAL(renameat)(from, path, to, new_path);
}

static void note_unlink(int folder, const char *path) {
  char whole[PATH_MAX];
  resolve(folder, path, whole);
  ino_t inode = below_root(whole) ? inode_of(whole) : 0;
  if (inode == 0) return;
  keep(whole, inode);
  notef("u %s %lu\n", whole, inode);
}

int unlink(const char *path) {
  note_unlink(AT_FDCWD, path);
  return REAL(unlink)(path);
}

int unlinkat(int folder, const char *path, int flags) {
  note_unlink(folder, path);
  return REAL(unlinkat)(folder, path, flags);
}

int rmdir(const char *path) {
  note_unlink(AT_FDCWD, path);
  return REAL(rmdir)(path);
}
