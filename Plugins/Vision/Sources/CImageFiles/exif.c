#include "decoders.h"

#include <stdbool.h>
#include <string.h>

/* Bytes that are read within bounds: past the end they are 0. */
typedef struct Bytes {
    const uint8_t *data;
    size_t size;
    bool little_endian;
} Bytes;

static uint32_t number(const Bytes *bytes, size_t at, int count)
{
    uint32_t value = 0;
    for (int i = 0; i < count; i++) {
        size_t place = at + (size_t)(bytes->little_endian ? count - 1 - i : i);
        value = value << 8 | (place < bytes->size ? bytes->data[place] : 0u);
    }
    return value;
}

/* The first directory of the block: CIPA DC-008, "Exchangeable image file format", section 4.6. */
int32_t orientation_of_exif(const uint8_t *data, size_t size)
{
    enum { NAME = 6, ENTRY = 12, TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3 };
    if (size >= NAME && memcmp(data, "Exif\0\0", NAME) == 0) {
        data += NAME;
        size -= NAME;
    }
    Bytes tiff = {.data = data, .size = size, .little_endian = size > 0 && data[0] == 'I'};
    if (number(&tiff, 2, 2) != 42) return 1;
    size_t directory = number(&tiff, 4, 4);
    uint32_t entries = number(&tiff, directory, 2);
    for (uint32_t index = 0; index < entries; index++) {
        size_t entry = directory + 2 + (size_t)index * ENTRY;
        if (entry >= size) return 1;
        if (number(&tiff, entry, 2) != TAG_ORIENTATION || number(&tiff, entry + 2, 2) != TYPE_SHORT) continue;
        uint32_t orientation = number(&tiff, entry + 8, 2);
        return orientation >= 1 && orientation <= 8 ? (int32_t)orientation : 1;
    }
    return 1;
}
