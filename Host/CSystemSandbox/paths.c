#define _GNU_SOURCE
#include "CSystemSandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

int gh_open_path(const char *path) {
    return open(path, O_PATH | O_CLOEXEC);
}

int gh_open_plain_file(const char *path) {
    int descriptor = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
    struct stat status;
    // With O_PATH a link is opened itself.
    if (descriptor < 0 || (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode))) return descriptor;
    close(descriptor);
    errno = ELOOP;
    return -1;
}

int gh_give_folder(int descriptor, uid_t user, gid_t group) {
    struct stat status;
    if (fstat(descriptor, &status)) return -1;
    if (!S_ISDIR(status.st_mode) || status.st_uid == user) return 0;
    return fchownat(descriptor, "", user, group, AT_EMPTY_PATH);
}

struct visit {
    void (*each)(void *context, const char *path);
    void *context;
};

static int visit(struct dl_phdr_info *info, size_t size, void *context) {
    (void)size;
    const struct visit *visiting = context;
    // The program and the kernel's own library have no path.
    if (info->dlpi_name[0] == '/') visiting->each(visiting->context, info->dlpi_name);
    return 0;
}

void gh_loaded_libraries(void (*each)(void *context, const char *path), void *context) {
    struct visit visiting = {.each = each, .context = context};
    dl_iterate_phdr(visit, &visiting);
}
