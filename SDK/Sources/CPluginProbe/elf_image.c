#define _GNU_SOURCE
#include "elf_image.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "verdict.h"

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64 };
#elif defined(__aarch64__)
enum { MACHINE = EM_AARCH64 };
#else
#error "the processor's ELF machine number belongs here"
#endif

static const void *at(const ElfImage *image, uint64_t offset, uint64_t size) {
    if (offset > image->size || size > image->size - offset) fail("the file is cut short or damaged");
    return image->bytes + offset;
}

ElfImage elf_open(const char *path) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat facts;
    if (file < 0 || fstat(file, &facts)) fail("the file cannot be read: %s", strerror(errno));
    if (!S_ISREG(facts.st_mode) || facts.st_size < (off_t)sizeof(Elf64_Ehdr)) fail("it is no shared library");
    ElfImage image = {.size = (unsigned long)facts.st_size};
    image.bytes = mmap(NULL, image.size, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (image.bytes == MAP_FAILED) fail("the file cannot be mapped: %s", strerror(errno));
    const Elf64_Ehdr *header = at(&image, 0, sizeof *header);
    if (memcmp(header->e_ident, ELFMAG, SELFMAG)) fail("it is no ELF file, so no shared library of Linux");
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_machine != MACHINE) {
        fail("it is built for another processor (ELF machine %u; this one is %d)", header->e_machine, MACHINE);
    }
    if (header->e_type != ET_DYN) fail("it is an object or a program; link it with -shared");
    return image;
}

// The section of a type, or NULL.
static const Elf64_Shdr *section(const ElfImage *image, uint32_t type) {
    const Elf64_Ehdr *header = at(image, 0, sizeof *header);
    const Elf64_Shdr *sections = at(image, header->e_shoff, (uint64_t)header->e_shnum * sizeof *sections);
    for (int i = 0; i < header->e_shnum; i++) {
        if (sections[i].sh_type == type) return &sections[i];
    }
    return NULL;
}

static const char *string(const ElfImage *image, const Elf64_Shdr *owner, uint64_t offset) {
    const Elf64_Ehdr *header = at(image, 0, sizeof *header);
    if (owner->sh_link >= header->e_shnum) fail("the file is damaged: a section links nowhere");
    const Elf64_Shdr *strings =
        at(image, header->e_shoff + (uint64_t)owner->sh_link * sizeof *strings, sizeof *strings);
    const char *bytes = at(image, strings->sh_offset, strings->sh_size);
    if (offset >= strings->sh_size || !memchr(bytes + offset, 0, strings->sh_size - offset)) {
        fail("the file is damaged: a name lies outside its table");
    }
    return bytes + offset;
}

// The first exported name for which the comparison with `name` is `same`.
static const char *find_export(const ElfImage *image, const char *name, int same) {
    const Elf64_Shdr *table = section(image, SHT_DYNSYM);
    if (!table) return NULL;
    const Elf64_Sym *symbols = at(image, table->sh_offset, table->sh_size);
    for (uint64_t i = 0; i < table->sh_size / sizeof *symbols; i++) {
        const Elf64_Sym *symbol = &symbols[i];
        int visibility = ELF64_ST_VISIBILITY(symbol->st_other);
        if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx == SHN_ABS
            || ELF64_ST_BIND(symbol->st_info) == STB_LOCAL || visibility == STV_HIDDEN
            || visibility == STV_INTERNAL) {
            continue;
        }
        const char *found = string(image, table, symbol->st_name);
        if ((strcmp(found, name) == 0) == same) return found;
    }
    return NULL;
}

const char *elf_other_export(const ElfImage *image, const char *allowed) {
    return find_export(image, allowed, 0);
}

int elf_exports(const ElfImage *image, const char *name) {
    return find_export(image, name, 1) != NULL;
}

const char *elf_run_path(const ElfImage *image) {
    const Elf64_Shdr *table = section(image, SHT_DYNAMIC);
    if (!table) return NULL;
    const Elf64_Dyn *entries = at(image, table->sh_offset, table->sh_size);
    for (uint64_t i = 0; i < table->sh_size / sizeof *entries; i++) {
        if (entries[i].d_tag == DT_RPATH || entries[i].d_tag == DT_RUNPATH) {
            return string(image, table, entries[i].d_un.d_val);
        }
    }
    return NULL;
}
