#include "sound_files.h"

#include <soxr.h>

SoundResampler *sound_resampler_open(double from, double to, int32_t live)
{
    soxr_io_spec_t samples = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
    /* Filters for rates that vary are not made block by block: 30 ms behind at most, not 120. */
    soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, live ? SOXR_VR : 0);
    soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
    soxr_error_t error = NULL;
    soxr_t made = soxr_create(from, to, 1, &error, &samples, &quality, &runtime);
    return error ? NULL : (SoundResampler *)made;
}

int64_t sound_resample(
    SoundResampler *resampler, const float *samples, int64_t count, int32_t ended, float *output, int64_t room,
    int64_t *taken)
{
    size_t used = 0, made = 0;
    soxr_error_t error = soxr_process(
        (soxr_t)resampler, ended ? NULL : samples, ended ? 0 : (size_t)count, &used, output, (size_t)room, &made);
    *taken = (int64_t)used;
    return error ? -1 : (int64_t)made;
}

void sound_resampler_close(SoundResampler *resampler)
{
    if (resampler) soxr_delete((soxr_t)resampler);
}
