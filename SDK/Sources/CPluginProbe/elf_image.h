// What a shared library's file says before it is opened: its dynamic symbols and its run paths.

#ifndef ELF_IMAGE_H
#define ELF_IMAGE_H

// Calls fail() with what is wrong where the file is no 64-bit ELF library of this machine's processor.
typedef struct ElfImage {
    const unsigned char *bytes;
    unsigned long size;
} ElfImage;

ElfImage elf_open(const char *path);

// The first symbol that the library defines for others beside `allowed`, or NULL.
const char *elf_other_export(const ElfImage *image, const char *allowed);
int elf_exports(const ElfImage *image, const char *name);

// A run path (DT_RPATH or DT_RUNPATH), or NULL.
const char *elf_run_path(const ElfImage *image);

#endif
