#include "orientation.h"

#include <stdbool.h>
#include <string.h>

// Bytes that are read within bounds: past the end they are 0.
typedef struct Bytes {
    const uint8_t *data;
    uint64_t size;
    bool little_endian;
} Bytes;

static uint32_t byte_at(const Bytes *bytes, uint64_t at)
{
    return at < bytes->size ? bytes->data[at] : 0;
}

static uint32_t short_at(const Bytes *bytes, uint64_t at)
{
    uint32_t first = byte_at(bytes, at), second = byte_at(bytes, at + 1);
    return bytes->little_endian ? second << 8 | first : first << 8 | second;
}

static uint32_t long_at(const Bytes *bytes, uint64_t at)
{
    uint32_t first = short_at(bytes, at), second = short_at(bytes, at + 2);
    return bytes->little_endian ? second << 16 | first : first << 16 | second;
}

// The first directory of a TIFF block: CIPA DC-008, "Exchangeable image file format", section 4.6.
static int orientation_of_tiff(Bytes tiff)
{
    enum { ENTRY = 12, TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3 };
    tiff.little_endian = byte_at(&tiff, 0) == 'I';
    if (short_at(&tiff, 2) != 42) return 1;
    uint64_t directory = long_at(&tiff, 4);
    uint32_t entries = short_at(&tiff, directory);
    for (uint32_t index = 0; index < entries; index++) {
        uint64_t entry = directory + 2 + (uint64_t)index * ENTRY;
        if (entry >= tiff.size) return 1;
        if (short_at(&tiff, entry) != TAG_ORIENTATION || short_at(&tiff, entry + 2) != TYPE_SHORT) continue;
        uint32_t orientation = short_at(&tiff, entry + 8);
        return orientation >= 1 && orientation <= 8 ? (int)orientation : 1;
    }
    return 1;
}

int orientation_of_jpeg(const uint8_t *data, uint64_t size)
{
    enum { MARKER_APP1 = 0xE1, MARKER_SCAN = 0xDA, NAME = 6 };
    Bytes file = {.data = data, .size = size};
    // Segments before the first scan: FF, marker, length (which counts itself), payload.
    for (uint64_t at = 2; at + 4 <= size && data[at] == 0xFF && data[at + 1] != MARKER_SCAN;) {
        uint32_t length = short_at(&file, at + 2);
        if (length < 2 || at + 2 + length > size) return 1;
        const uint8_t *payload = data + at + 4;
        if (data[at + 1] == MARKER_APP1 && length >= 2 + NAME && memcmp(payload, "Exif\0\0", NAME) == 0)
            return orientation_of_tiff((Bytes){.data = payload + NAME, .size = length - 2 - NAME});
        at += 2 + length;
    }
    return 1;
}

PIX *orientation_apply(PIX *picture, int orientation)
{
    // What undoes each: a mirror image first, then quarter turns clockwise.
    static const struct {
        bool mirrored;
        int quarters;
    } steps[9] = {{0},       {false, 0}, {true, 0}, {false, 2}, {true, 2},
                  {true, 3}, {false, 1}, {true, 1}, {false, 3}};
    if (steps[orientation].mirrored && !pixFlipLR(picture, picture)) {
        pixDestroy(&picture);
        return NULL;
    }
    PIX *turned = pixRotateOrth(picture, steps[orientation].quarters);
    pixDestroy(&picture);
    return turned;
}
