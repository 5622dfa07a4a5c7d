/*
 * Preloaded into a process, writes down every change that the process makes to the files below
 * SIM_ROOT, and everything it writes to the file SIM_MARKS, in the order in which it happened, to
 * SIM_LOG. A mutex around each call and its record makes that order true for all threads.
 *
 * A record is a line, followed by as many bytes as its last number says where there are any:
 *
 *   open HANDLE CREATED TRUNCATED PATH    path below the root
 *   write HANDLE OFFSET LENGTH            + bytes
 *   truncate HANDLE LENGTH
 *   sync HANDLE
 *   mkdir|rmdir|unlink PATH
 *   rename LENGTH                         + "FROM\0TO"
 *   mark LENGTH                           + bytes
 *
 * A call that fails leaves no record. What goes past the C library (raw system calls, mappings that
 * are written) is not seen; the simulation finds that out by rebuilding the whole directory.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS 65536
#define MARKS (-2)

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;
static char root[4096];
static size_t root_length;
static char marks[4096];
/* 0: not ours; MARKS: the marks; else the handle. */
static int handles[FDS];
static int next_handle = 1;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
  const char *log = getenv("SIM_LOG"), *below = getenv("SIM_ROOT"), *mark = getenv("SIM_MARKS");
  if (!log || !below || !mark) return;
  snprintf(root, sizeof root, "%s/", below);
  snprintf(marks, sizeof marks, "%s", mark);
  root_length = strlen(root);
  log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void put(const void *bytes, size_t length) {
  const char *from = bytes;
  while (length > 0) {
    ssize_t written = syscall(SYS_write, log_fd, from, length);
    if (written <= 0) abort();
    from += written;
    length -= (size_t)written;
  }
}

static void line(const char *format, ...) {
  char text[8192];
  va_list rest;
  va_start(rest, format);
  int length = vsnprintf(text, sizeof text, format, rest);
  va_end(rest);
  put(text, (size_t)length);
}

/* The path below the root, "" for the root itself; NULL when it is elsewhere. */
static const char *below_root(int dir, const char *path, char *space, size_t size) {
  if (log_fd < 0) return NULL;
  if (path[0] == '/') {
    snprintf(space, size, "%s", path);
  } else {
    char link[64];
    if (dir == AT_FDCWD) snprintf(link, sizeof link, "/proc/self/cwd");
    else snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
    ssize_t length = readlink(link, space, size - 1);
    if (length < 0) return NULL;
    snprintf(space + length, size - (size_t)length, "/%s", path);
  }
  if (strncmp(space, root, root_length - 1) != 0) return NULL;
  if (space[root_length - 1] == '\0') return "";
  return space[root_length - 1] == '/' ? space + root_length : NULL;
}

static int is_marks(const char *path) { return log_fd >= 0 && strcmp(path, marks) == 0; }

static int handle_of(int fd) { return fd >= 0 && fd < FDS ? handles[fd] : 0; }

static int opened(int dir, const char *path, int flags, mode_t mode) {
  char space[8192];
  const char *below = below_root(dir, path, space, sizeof space);
  if (!below && !is_marks(path)) return (int)syscall(SYS_openat, dir, path, flags, mode);
  pthread_mutex_lock(&order);
  struct stat stat;
  int existed = fstatat(dir, path, &stat, 0) == 0;
  int fd = (int)syscall(SYS_openat, dir, path, flags, mode);
  int error = errno;
  if (fd >= 0 && fd < FDS) {
    if (below) {
      handles[fd] = next_handle++;
      int truncated = existed && (flags & O_TRUNC) && (flags & O_ACCMODE) != O_RDONLY;
      line("open %d %d %d %s\n", handles[fd], !existed, truncated, below);
    } else {
      handles[fd] = MARKS;
    }
  }
  pthread_mutex_unlock(&order);
  errno = error;
  return fd;
}

static mode_t mode_of(int flags, va_list rest) {
  return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(rest, mode_t) : 0;
}

#define OPEN(name)                                  \
  int name(const char *path, int flags, ...) {      \
    va_list rest;                                   \
    va_start(rest, flags);                          \
    mode_t mode = mode_of(flags, rest);             \
    va_end(rest);                                   \
    return opened(AT_FDCWD, path, flags, mode);     \
  }
#define OPENAT(name)                                     \
  int name(int dir, const char *path, int flags, ...) {  \
    va_list rest;                                        \
    va_start(rest, flags);                               \
    mode_t mode = mode_of(flags, rest);                  \
    va_end(rest);                                        \
    return opened(dir, path, flags, mode);               \
  }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

int close(int fd) {
  pthread_mutex_lock(&order);
  if (fd >= 0 && fd < FDS) handles[fd] = 0;
  int result = REAL(close)(fd);
  pthread_mutex_unlock(&order);
  return result;
}

/* Both are asked for copies of descriptors. */
static int copied(int fd, int copy) {
  if (copy >= 0 && copy < FDS && handle_of(fd)) handles[copy] = handles[fd];
  return copy;
}

int dup(int fd) { return copied(fd, REAL(dup)(fd)); }

static int control(int fd, int command, void *argument) {
  int result = (int)syscall(SYS_fcntl, fd, command, argument);
  return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? copied(fd, result) : result;
}

int fcntl(int fd, int command, ...) {
  va_list rest;
  va_start(rest, command);
  void *argument = va_arg(rest, void *);
  va_end(rest);
  return control(fd, command, argument);
}

int fcntl64(int fd, int command, ...) {
  va_list rest;
  va_start(rest, command);
  void *argument = va_arg(rest, void *);
  va_end(rest);
  return control(fd, command, argument);
}

/* Where a write without an offset goes. */
static off_t position(int fd) {
  if (fcntl(fd, F_GETFL) & O_APPEND) {
    struct stat stat;
    return fstat(fd, &stat) == 0 ? stat.st_size : 0;
  }
  return lseek(fd, 0, SEEK_CUR);
}

static ssize_t vector(int fd, const struct iovec *parts, int count, off_t offset, int positioned) {
  int handle = handle_of(fd);
  if (handle == 0) {
    return positioned ? syscall(SYS_pwritev, fd, parts, count, offset, 0)
                      : syscall(SYS_writev, fd, parts, count);
  }
  pthread_mutex_lock(&order);
  off_t at = positioned || handle == MARKS ? offset : position(fd);
  ssize_t written = positioned ? syscall(SYS_pwritev, fd, parts, count, offset, 0)
                               : syscall(SYS_writev, fd, parts, count);
  int error = errno;
  if (written > 0) {
    if (handle == MARKS) line("mark %zd\n", written);
    else line("write %d %lld %zd\n", handle, (long long)at, written);
    size_t left = (size_t)written;
    for (int part = 0; part < count && left > 0; part++) {
      size_t length = parts[part].iov_len < left ? parts[part].iov_len : left;
      put(parts[part].iov_base, length);
      left -= length;
    }
  }
  pthread_mutex_unlock(&order);
  errno = error;
  return written;
}

ssize_t write(int fd, const void *bytes, size_t length) {
  struct iovec part = {(void *)bytes, length};
  return vector(fd, &part, 1, 0, 0);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  return vector(fd, parts, count, 0, 0);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  struct iovec part = {(void *)bytes, length};
  return vector(fd, &part, 1, offset, 1);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  struct iovec part = {(void *)bytes, length};
  return vector(fd, &part, 1, offset, 1);
}

/* Runs a call and, when it succeeds, leaves its record, as one step. */
#define STEP(ours, call, ...)              \
  do {                                     \
    if (!(ours)) return (call);            \
    pthread_mutex_lock(&order);            \
    int result = (int)(call);              \
    int error = errno;                     \
    if (result == 0) line(__VA_ARGS__);    \
    pthread_mutex_unlock(&order);          \
    errno = error;                         \
    return result;                         \
  } while (0)

static int truncated(int fd, off_t length) {
  STEP(handle_of(fd) > 0, syscall(SYS_ftruncate, fd, length), "truncate %d %lld\n", handle_of(fd),
       (long long)length);
}
int ftruncate(int fd, off_t length) { return truncated(fd, length); }
int ftruncate64(int fd, off64_t length) { return truncated(fd, length); }

/* On recorded files a sync only needs to be noted; the machine's own disk need not wait for it. */
int fsync(int fd) { STEP(handle_of(fd) > 0, 0, "sync %d\n", handle_of(fd)); }
int fdatasync(int fd) { STEP(handle_of(fd) > 0, 0, "sync %d\n", handle_of(fd)); }

int mkdirat(int dir, const char *path, mode_t mode) {
  char space[8192];
  const char *below = below_root(dir, path, space, sizeof space);
  STEP(below, syscall(SYS_mkdirat, dir, path, mode), "mkdir %s\n", below);
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

int unlinkat(int dir, const char *path, int flags) {
  char space[8192];
  const char *below = below_root(dir, path, space, sizeof space);
  STEP(below, syscall(SYS_unlinkat, dir, path, flags), "%s %s\n",
       flags & AT_REMOVEDIR ? "rmdir" : "unlink", below);
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int renameat(int from_dir, const char *from, int to_dir, const char *to) {
  char from_space[8192], to_space[8192];
  const char *old = below_root(from_dir, from, from_space, sizeof from_space);
  const char *new = below_root(to_dir, to, to_space, sizeof to_space);
  if (!old || !new) return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
  pthread_mutex_lock(&order);
  int result = (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, 0);
  int error = errno;
  if (result == 0) {
    line("rename %zu\n", strlen(old) + 1 + strlen(new));
    put(old, strlen(old) + 1);
    put(new, strlen(new));
  }
  pthread_mutex_unlock(&order);
  errno = error;
  return result;
}
int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }
