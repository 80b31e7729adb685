#include "decoders.h"

#include <string.h>
#include <webp/decode.h>
#include <webp/demux.h>

/* The first frame of an animation, where its canvas stands before it is shown. */
static ImageStatus first_frame(const WebPData *file, const ImageLimits *limits, Image *image)
{
    WebPAnimDecoderOptions options;
    WebPAnimDecoderOptionsInit(&options);
    options.color_mode = MODE_RGBA;
    WebPAnimDecoder *decoder = WebPAnimDecoderNew(file, &options);
    WebPAnimInfo info;
    uint8_t *canvas;
    int time;
    ImageStatus status = IMAGE_OK;
    if (!decoder || !WebPAnimDecoderGetInfo(decoder, &info) || !WebPAnimDecoderGetNext(decoder, &canvas, &time))
        status = image_fail(image, IMAGE_DAMAGED, "the first frame of the WebP is damaged or cut short");
    if (status == IMAGE_OK) status = image_prepare(image, info.canvas_width, info.canvas_height, 4, limits);
    if (status == IMAGE_OK) memcpy(image->pixels, canvas, (size_t)(image->width * image->height * image->channels));
    WebPAnimDecoderDelete(decoder);
    return status;
}

static void read_orientation(const WebPData *file, Image *image)
{
    WebPDemuxer *demuxer = WebPDemux(file);
    WebPChunkIterator chunk;
    if (demuxer && WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) {
        image->orientation = orientation_of_exif(chunk.chunk.bytes, chunk.chunk.size);
        WebPDemuxReleaseChunkIterator(&chunk);
    }
    WebPDemuxDelete(demuxer);
}

ImageStatus decode_webp(const uint8_t *data, size_t size, const ImageLimits *limits, Image *image)
{
    WebPData file = {.bytes = data, .size = size};
    WebPBitstreamFeatures features;
    if (WebPGetFeatures(data, size, &features) != VP8_STATUS_OK)
        return image_fail(image, IMAGE_DAMAGED, "the header of the WebP is damaged or cut short");
    /* Before any pixel is decoded; for an animation these are the canvas's. */
    ImageStatus status =
        image_prepare(image, features.width, features.height, features.has_alpha ? 4 : 3, limits);
    if (status != IMAGE_OK) return status;
    read_orientation(&file, image);
    if (limits->cancelled(limits->context)) return IMAGE_CANCELLED;
    if (features.has_animation) {
        image_free(image);
        return first_frame(&file, limits, image);
    }
    size_t stride = (size_t)(image->width * image->channels), bytes = stride * (size_t)image->height;
    uint8_t *decoded = image->channels == 4 ? WebPDecodeRGBAInto(data, size, image->pixels, bytes, (int)stride)
                                            : WebPDecodeRGBInto(data, size, image->pixels, bytes, (int)stride);
    return decoded ? IMAGE_OK : image_fail(image, IMAGE_DAMAGED, "the WebP is damaged or cut short");
}
