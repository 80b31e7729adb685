#include "decoders.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/* What a chunk beside the pixels may unpack to. */
enum { MOST_CHUNK_BYTES = 8 << 20 };

typedef struct Reader {
    png_structp codec;
    png_infop info;
    const uint8_t *data;
    size_t left;
    jmp_buf failed;
    Image *image;
    const ImageLimits *limits;
} Reader;

static void on_error(png_structp codec, png_const_charp text)
{
    Reader *reader = png_get_error_ptr(codec);
    image_fail(reader->image, IMAGE_DAMAGED, "the PNG is damaged: %s", text);
    longjmp(reader->failed, 1);
}

static void on_warning(png_structp codec, png_const_charp text)
{
    (void)codec;
    (void)text;
}

static void read_bytes(png_structp codec, png_bytep to, size_t count)
{
    Reader *reader = png_get_io_ptr(codec);
    if (count > reader->left) png_error(codec, "it is cut short");
    memcpy(to, reader->data, count);
    reader->data += count;
    reader->left -= count;
}

static ImageStatus read_pixels(Reader *reader)
{
    if (setjmp(reader->failed)) return IMAGE_DAMAGED;
    png_structp codec = reader->codec;
    png_infop info = reader->info;
    Image *image = reader->image;
    png_set_read_fn(codec, reader, read_bytes);
    png_set_chunk_malloc_max(codec, MOST_CHUNK_BYTES);
    /* The limits here are ours, and say so. */
    png_set_user_limits(codec, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_read_info(codec, info);

    int color = png_get_color_type(codec, info);
    int alpha = color & PNG_COLOR_MASK_ALPHA || png_get_valid(codec, info, PNG_INFO_tRNS);
    ImageStatus status = image_prepare(
        image, png_get_image_width(codec, info), png_get_image_height(codec, info), alpha ? 4 : 3, reader->limits);
    if (status != IMAGE_OK) return status;
    png_set_expand(codec);
    png_set_strip_16(codec);
    if (!(color & PNG_COLOR_MASK_COLOR)) png_set_gray_to_rgb(codec);
    int passes = png_set_interlace_handling(codec);
    png_read_update_info(codec, info);
    size_t stride = (size_t)(image->width * image->channels);
    if (png_get_rowbytes(codec, info) != stride)
        return image_fail(image, IMAGE_DAMAGED, "the PNG has pixels of an unknown form");

    for (int pass = 0; pass < passes; pass++)
        for (int64_t y = 0; y < image->height; y++) {
            if (reader->limits->cancelled(reader->limits->context)) return IMAGE_CANCELLED;
            png_read_row(codec, image->pixels + (size_t)y * stride, NULL);
        }
    png_read_end(codec, info);
    png_bytep exif;
    png_uint_32 size;
    if (png_get_eXIf_1(codec, info, &size, &exif)) image->orientation = orientation_of_exif(exif, size);
    return IMAGE_OK;
}

ImageStatus decode_png(const uint8_t *data, size_t size, const ImageLimits *limits, Image *image)
{
    Reader reader = {.data = data, .left = size, .image = image, .limits = limits};
    reader.codec = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_error, on_warning);
    if (reader.codec) reader.info = png_create_info_struct(reader.codec);
    ImageStatus status = reader.info ? read_pixels(&reader)
                                     : image_fail(image, IMAGE_NO_MEMORY, "there is no memory for a PNG reader");
    png_destroy_read_struct(&reader.codec, &reader.info, NULL);
    return status;
}
