#include "sound_files.h"

#include <math.h>
#include <sndfile.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Frames that are decoded at once. */
enum { BLOCK = 4096 };

struct SoundFile {
    SNDFILE *codec;
    const uint8_t *data;
    int64_t size;
    int64_t place;
    int64_t frames;
    int64_t read;
    int32_t channels;
    /* Whether the header's number of frames is exact, so that fewer mean a cut file. */
    int32_t is_exact;
    SoundFormat format;
    float *block;
};

static SoundStatus fail(SoundInfo *info, SoundStatus status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(info->message, sizeof info->message, format, arguments);
    va_end(arguments);
    return status;
}

static const char *name_of(SoundFormat format)
{
    static const char *const names[] = {"WAV", "FLAC", "Ogg", "MPEG audio", "sound"};
    return names[format];
}

SoundFormat sound_format(const uint8_t *data, int64_t size)
{
    if (size >= 12 && memcmp(data + 8, "WAVE", 4) == 0 &&
        (memcmp(data, "RIFF", 4) == 0 || memcmp(data, "RIFX", 4) == 0 || memcmp(data, "RF64", 4) == 0))
        return SOUND_WAV;
    if (size >= 4 && memcmp(data, "fLaC", 4) == 0) return SOUND_FLAC;
    if (size >= 4 && memcmp(data, "OggS", 4) == 0) return SOUND_OGG;
    if (size >= 3 && memcmp(data, "ID3", 3) == 0) return SOUND_MPEG;
    /* Eleven bits of synchronisation; then neither a reserved version nor a reserved layer. */
    if (size >= 2 && data[0] == 0xFF && (data[1] & 0xE0) == 0xE0 && (data[1] & 0x18) != 0x08 && (data[1] & 0x06) != 0)
        return SOUND_MPEG;
    return SOUND_UNKNOWN;
}

/* Bytes that the data chunk of a RIFF file should have and has not; 0 where it is whole, or where a program that wrote
   it as it went left its size open. */
static uint32_t missing_bytes(const uint8_t *data, int64_t size)
{
    if (memcmp(data, "RIFF", 4) != 0) return 0;
    for (int64_t place = 12; place + 8 <= size;) {
        const uint8_t *chunk = data + place;
        uint32_t length = chunk[4] | (uint32_t)chunk[5] << 8 | (uint32_t)chunk[6] << 16 | (uint32_t)chunk[7] << 24;
        int64_t left = size - place - 8;
        if (memcmp(chunk, "data", 4) == 0)
            return length < 0xFFFFFF00u && length > left ? (uint32_t)(length - left) : 0;
        place += 8 + (int64_t)length + (length & 1);
    }
    return 0;
}

static sf_count_t length_of(void *context) { return ((SoundFile *)context)->size; }

static sf_count_t seek(sf_count_t offset, int whence, void *context)
{
    SoundFile *file = context;
    int64_t from = whence == SEEK_CUR ? file->place : whence == SEEK_END ? file->size : 0;
    int64_t place = from + offset;
    if (place < 0 || place > file->size) return -1;
    file->place = place;
    return place;
}

static sf_count_t read_bytes(void *to, sf_count_t count, void *context)
{
    SoundFile *file = context;
    int64_t left = file->size - file->place;
    if (count > left) count = left;
    memcpy(to, file->data + file->place, (size_t)count);
    file->place += count;
    return count;
}

static sf_count_t write_bytes(const void *from, sf_count_t count, void *context)
{
    (void)from;
    (void)count;
    (void)context;
    return 0;
}

static sf_count_t tell(void *context) { return ((SoundFile *)context)->place; }

SoundStatus sound_open(SoundFormat format, const uint8_t *data, int64_t size, SoundFile **opened, SoundInfo *info)
{
    memset(info, 0, sizeof *info);
    *opened = NULL;
    if (format == SOUND_WAV && missing_bytes(data, size))
        return fail(info, SOUND_DAMAGED, "the WAV is cut short by %u bytes", missing_bytes(data, size));
    SoundFile *file = calloc(1, sizeof *file);
    if (!file) return fail(info, SOUND_NO_MEMORY, "there is no memory for a reader of sound");
    file->data = data;
    file->size = size;
    file->format = format;
    SF_INFO facts = {0};
    SF_VIRTUAL_IO memory = {length_of, seek, read_bytes, write_bytes, tell};
    file->codec = sf_open_virtual(&memory, SFM_READ, &facts, file);
    if (!file->codec) {
        fail(info, SOUND_DAMAGED, "the %s is damaged: %s", name_of(format), sf_strerror(NULL));
        sound_close(file);
        return SOUND_DAMAGED;
    }
    if (facts.channels < 1 || facts.samplerate < 1) {
        fail(info, SOUND_DAMAGED, "the %s is damaged: its header tells of no sound", name_of(format));
        sound_close(file);
        return SOUND_DAMAGED;
    }
    file->channels = facts.channels;
    file->frames = facts.frames;
    file->is_exact = (format == SOUND_WAV || format == SOUND_FLAC) && facts.frames >= 0 && facts.frames < SF_COUNT_MAX;
    info->rate = facts.samplerate;
    info->channels = facts.channels;
    info->frames = facts.frames >= 0 && facts.frames < SF_COUNT_MAX ? facts.frames : -1;
    *opened = file;
    return SOUND_OK;
}

int64_t sound_read(SoundFile *file, float *samples, int64_t count, SoundInfo *info)
{
    if (count > BLOCK) count = BLOCK;
    if (!file->block) {
        file->block = malloc(sizeof(float) * BLOCK * (size_t)file->channels);
        if (!file->block) {
            fail(info, SOUND_NO_MEMORY, "there is no memory for %d channels of sound", file->channels);
            return -1;
        }
    }
    int64_t read = sf_readf_float(file->codec, file->block, count);
    if (read <= 0) {
        if (file->is_exact && file->read < file->frames) {
            fail(
                info, SOUND_DAMAGED, "the %s is cut short: its header tells of %lld samples, and %lld are there",
                name_of(file->format), (long long)file->frames, (long long)file->read);
            return -1;
        }
        return 0;
    }
    file->read += read;
    if (!sound_mix(file->block, read, file->channels, samples)) {
        fail(info, SOUND_DAMAGED, "the %s has samples that are no numbers", name_of(file->format));
        return -1;
    }
    return read;
}

void sound_close(SoundFile *file)
{
    if (!file) return;
    if (file->codec) sf_close(file->codec);
    free(file->block);
    free(file);
}

int32_t sound_mix(const float *interleaved, int64_t frames, int32_t channels, float *samples)
{
    int32_t are_numbers = 1;
    for (int64_t i = 0; i < frames; i++) {
        float sum = 0;
        for (int32_t channel = 0; channel < channels; channel++) sum += interleaved[i * channels + channel];
        samples[i] = sum / (float)channels;
        are_numbers &= isfinite(sum) != 0;
    }
    return are_numbers;
}
