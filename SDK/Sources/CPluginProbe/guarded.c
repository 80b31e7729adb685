#define _GNU_SOURCE
#include "guarded.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "verdict.h"

Guarded guarded_copy(const void *bytes, size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room = (size + page - 1) / page * page;
    if (room == 0) room = page;
    char *mapping = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED || mprotect(mapping + room, page, PROT_NONE)) {
        skip("the checker has no memory for %zu bytes", size);
    }
    Guarded memory = {.data = mapping + room - size, .size = size, .mapping = mapping, .mapped = room};
    if (size) memcpy(memory.data, bytes, size);
    return memory;
}

void guarded_make_read_only(const Guarded *memory) {
    mprotect(memory->mapping, memory->mapped, PROT_READ);
}

void guarded_forbid(const Guarded *memory) {
    mprotect(memory->mapping, memory->mapped, PROT_NONE);
}
