// Memory with a wall behind it: the byte after the last one cannot be read.

#ifndef GUARDED_H
#define GUARDED_H

#include <stddef.h>

typedef struct Guarded {
    void *data;     // `size` bytes that end where the wall begins
    size_t size;
    void *mapping;
    size_t mapped;
} Guarded;

// A copy of `bytes`. The start is aligned only where `size` is a multiple of the alignment.
Guarded guarded_copy(const void *bytes, size_t size);
void guarded_make_read_only(const Guarded *memory);
// Any later access faults, and the addresses are not given out again.
void guarded_forbid(const Guarded *memory);

#endif
