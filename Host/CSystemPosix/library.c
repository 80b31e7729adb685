#define _GNU_SOURCE
#include "CSystemPosix.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { OWN_MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { OWN_MACHINE = EM_AARCH64 };
#else
#error "no ELF machine number is known for this processor"
#endif

static GHLibraryFault check_segments(int file, const Elf64_Ehdr *header, uint64_t size) {
    for (unsigned i = 0; i < header->e_phnum; i++) {
        Elf64_Phdr segment;
        uint64_t place = header->e_phoff + (uint64_t)i * sizeof segment;
        if (place < header->e_phoff || place > size || size - place < sizeof segment) return GH_LIBRARY_CUT;
        if (pread(file, &segment, sizeof segment, (off_t)place) != sizeof segment) return GH_LIBRARY_CUT;
        if (segment.p_type != PT_LOAD) continue;
        if (segment.p_offset > size || segment.p_filesz > size - segment.p_offset) return GH_LIBRARY_CUT;
    }
    return GH_LIBRARY_GOOD;
}

static GHLibraryFault check(int file, int *machine) {
    struct stat status;
    Elf64_Ehdr header;
    if (fstat(file, &status)) return GH_LIBRARY_UNREADABLE;
    if (pread(file, &header, sizeof header, 0) != sizeof header) return GH_LIBRARY_NO_ELF;
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return GH_LIBRARY_NO_ELF;
    *machine = header.e_machine;
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB
        || header.e_machine != OWN_MACHINE) {
        return GH_LIBRARY_OTHER_PROCESSOR;
    }
    if (header.e_type != ET_DYN) return GH_LIBRARY_NOT_SHARED;
    if (header.e_phentsize != sizeof(Elf64_Phdr)) return GH_LIBRARY_NO_ELF;
    return check_segments(file, &header, (uint64_t)status.st_size);
}

GHLibraryFault gh_check_library(const char *path, int *machine, int *own_machine) {
    *machine = 0;
    *own_machine = OWN_MACHINE;
    // Not blocking, should it be a pipe.
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return GH_LIBRARY_UNREADABLE;
    GHLibraryFault fault = check(file, machine);
    close(file);
    return fault;
}
