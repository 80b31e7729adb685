#include "decoders.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include <jerror.h>

/* A progressive file of more scans than this only costs time. */
enum { MOST_SCANS = 500 };

typedef struct Reader {
    struct jpeg_decompress_struct codec;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf failed;
    ImageStatus status;
    Image *image;
    const ImageLimits *limits;
    uint8_t *line; /* of CMYK */
} Reader;

static void stop(Reader *reader, ImageStatus status)
{
    reader->status = status;
    longjmp(reader->failed, 1);
}

static void on_error(j_common_ptr codec)
{
    Reader *reader = codec->client_data;
    char text[JMSG_LENGTH_MAX];
    codec->err->format_message(codec, text);
    image_fail(reader->image, IMAGE_DAMAGED, "the JPEG is damaged: %s", text);
    stop(reader, codec->err->msg_code == JERR_OUT_OF_MEMORY ? IMAGE_NO_MEMORY : IMAGE_DAMAGED);
}

/* Warnings of data that are lost are errors here; those of oddities are not. */
static void on_message(j_common_ptr codec, int level)
{
    if (level >= 0) return;
    switch (codec->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_TOO_MUCH_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM: return;
    default: on_error(codec);
    }
}

static void on_progress(j_common_ptr codec)
{
    Reader *reader = codec->client_data;
    if (reader->limits->cancelled(reader->limits->context)) stop(reader, IMAGE_CANCELLED);
    if (reader->codec.input_scan_number > MOST_SCANS) {
        image_fail(reader->image, IMAGE_DAMAGED, "the JPEG has more than %d scans", MOST_SCANS);
        stop(reader, IMAGE_DAMAGED);
    }
}

/* Files have ink as 255 - ink, as Adobe's programs write it. What is left of white is the product of what each ink lets
   through. */
static void rgb_of_cmyk(const uint8_t *from, uint8_t *to, JDIMENSION width)
{
    for (JDIMENSION x = 0; x < width; x++)
        for (unsigned c = 0; c < 3; c++) {
            int black = from[4 * x + 3];
            int hidden = (255 - from[4 * x + c]) * black + 128;
            to[3 * x + c] = (uint8_t)(black - (((hidden >> 8) + hidden) >> 8));
        }
}

static ImageStatus read_pixels(Reader *reader, const uint8_t *data, size_t size)
{
    struct jpeg_decompress_struct *codec = &reader->codec;
    Image *image = reader->image;
    if (setjmp(reader->failed)) return reader->status;
    jpeg_create_decompress(codec);
    codec->progress = &reader->progress;
    jpeg_mem_src(codec, data, size);
    jpeg_save_markers(codec, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(codec, TRUE);

    ImageStatus status = image_prepare(image, codec->image_width, codec->image_height, 3, reader->limits);
    if (status != IMAGE_OK) return status;
    int inks = codec->jpeg_color_space == JCS_CMYK || codec->jpeg_color_space == JCS_YCCK;
    codec->out_color_space = inks ? JCS_CMYK : JCS_RGB;
    for (jpeg_saved_marker_ptr marker = codec->marker_list; marker; marker = marker->next)
        if (marker->data_length > 6 && marker->data[0] == 'E' && marker->data[1] == 'x') {
            image->orientation = orientation_of_exif(marker->data, marker->data_length);
            break;
        }

    jpeg_start_decompress(codec);
    if (inks) {
        reader->line = malloc((size_t)codec->output_width * 4);
        if (!reader->line) return image_fail(image, IMAGE_NO_MEMORY, "there is no memory for a line of pixels");
    }
    while (codec->output_scanline < codec->output_height) {
        uint8_t *row = image->pixels + (size_t)codec->output_scanline * codec->output_width * 3;
        JSAMPROW line = inks ? reader->line : row;
        jpeg_read_scanlines(codec, &line, 1);
        if (inks) rgb_of_cmyk(line, row, codec->output_width);
    }
    /* All pixels are there; what a file has or lacks behind them does not matter. */
    return IMAGE_OK;
}

ImageStatus decode_jpeg(const uint8_t *data, size_t size, const ImageLimits *limits, Image *image)
{
    Reader reader = {.image = image, .limits = limits};
    reader.codec.err = jpeg_std_error(&reader.errors);
    reader.codec.client_data = &reader;
    reader.errors.error_exit = on_error;
    reader.errors.emit_message = on_message;
    reader.progress.progress_monitor = on_progress;
    ImageStatus status = read_pixels(&reader, data, size);
    jpeg_destroy_decompress(&reader.codec);
    free(reader.line);
    return status;
}
