/* Sound of files as float32 samples of one channel, and at another rate. */

#ifndef SPEECH_SOUND_FILES_H
#define SPEECH_SOUND_FILES_H

#include <stdint.h>

typedef enum SoundFormat { SOUND_WAV, SOUND_FLAC, SOUND_OGG, SOUND_MPEG, SOUND_UNKNOWN } SoundFormat;

typedef enum SoundStatus {
    SOUND_OK,
    SOUND_DAMAGED,
    SOUND_NO_MEMORY,
} SoundStatus;

enum { SOUND_MESSAGE = 200 };

typedef struct SoundFile SoundFile;

typedef struct SoundInfo {
    int64_t frames;    /* samples of each channel; -1 where the file does not tell */
    int32_t rate;      /* Hz */
    int32_t channels;
    char message[SOUND_MESSAGE]; /* of what went wrong, one phrase */
} SoundInfo;

/* By the first bytes. */
SoundFormat sound_format(const uint8_t *data, int64_t size);

/* Opens a file in memory, which stays where it is until the file is closed. Unless the result is SOUND_OK there is no
   file. */
SoundStatus sound_open(SoundFormat format, const uint8_t *data, int64_t size, SoundFile **file, SoundInfo *info);

/* The mean of all channels of the next frames, at most `count` of them; 0 at the end, or -1 with a message in `info`. */
int64_t sound_read(SoundFile *file, float *samples, int64_t count, SoundInfo *info);

void sound_close(SoundFile *file);

/* The mean of interleaved channels. Whether all of it are numbers. */
int32_t sound_mix(const float *interleaved, int64_t frames, int32_t channels, float *samples);

typedef struct SoundResampler SoundResampler;

/* One that holds little back where the sound is `live`. NULL where there is no memory. */
SoundResampler *sound_resampler_open(double from, double to, int32_t live);

/* Takes `count` samples, or none with `ended`, and makes up to `room`; returns how many, and in `taken` how many of the
   samples it took. -1 where it failed. */
int64_t sound_resample(
    SoundResampler *resampler, const float *samples, int64_t count, int32_t ended, float *output, int64_t room,
    int64_t *taken);

void sound_resampler_close(SoundResampler *resampler);

#endif
