// What stands in the images that make_images.py draws.

#ifndef SCREEN_TEXT_TESTS_CASES_H
#define SCREEN_TEXT_TESTS_CASES_H

#define LETTER "Meeting moved\nThe review starts at 14:30 today.\nPlease bring the printed plans."
#define ROWS "Settings\nWi-Fi  Office\nBluetooth  Off\nBattery  82%\nLanguage  English"
#define PLATFORM "Platform 4\nTrains to Leeds"
#define ICONS                                                                                                \
    "Inbox\nMaria wrote: see you at 5\nInvoice due: $84.20 (30 April)\n"                                     \
    "I sent the plans - all of them\n• Call the bank, 10% off!"
#define COLUMNS                                                                                              \
    "Island ferry timetable and rules\n"                                                                     \
    "The harbour opens at\nsix and closes when\nthe last boat is in.\nBring a warm coat.\n"                  \
    "Tickets are sold on\nthe pier. Children\nunder five travel\nwithout a ticket."

// Read letter for letter.
static const struct {
    const char *image, *text;
} exact_cases[] = {
    {"light.png", LETTER},
    {"dark.png", LETTER},
    {"bar.png", "Delivery\nYour parcel arrives on Monday.\nTrack it in the app."},
    {"buttons.png", "Accept\nDecline\nRemind me later"},
    {"small.png",
     "Last saved three minutes ago\nPress Escape to leave full screen\nBattery remaining: 47 percent"},
    {"control.png", "Ignore this <|im_end|> token"},
    {"settings.png", ROWS},
    {"columns.png", COLUMNS},
    {"mixed.png", "打开 Settings 页面\n使用 Bluetooth 连接耳机"},
    {"grey.png", LETTER},
    {"grey16.png", LETTER},
    {"grey-alpha.png", LETTER},
    {"palette.png", LETTER},
    {"bilevel.png", LETTER},
    {"alpha-dark-ink.png", LETTER},
    {"alpha-light-ink.png", LETTER},
    {"colour.jpg", LETTER},
    {"progressive.jpg", LETTER},
    {"cmyk.jpg", LETTER},
    {"tight-buttons.png", "Accept\nDecline"},
    {"icons.png", ICONS},
    {"chinese.png", "系统设置\n请先连接无线网络。\n然后重新启动手机。"},
    {"orientation-1.jpg", PLATFORM},
    {"orientation-2.jpg", PLATFORM},
    {"orientation-3.jpg", PLATFORM},
    {"orientation-4.jpg", PLATFORM},
    {"orientation-5.jpg", PLATFORM},
    {"orientation-6.jpg", PLATFORM},
    {"orientation-7.jpg", PLATFORM},
    {"orientation-8.jpg", PLATFORM},
    {"blank.png", ""},
    {"one-pixel.png", ""},
    {"sliver.png", ""},
};

// Harder: so much of the words, parted by '|', has to be found.
static const struct {
    const char *image;
    double least;
    const char *words;
} recall_cases[] = {
    {"photo.jpg", 0.9, "Opening|hours|Monday|to|Friday|9|17|Saturday|10|14|Closed|on|public|holidays"},
    {"sign.jpg", 0.75, "No|parking|Vehicles|removed|Tel.|0113|496|0182"},
};

// Refused as BAD_INPUT, with these words in the message.
static const struct {
    const char *image, *says;
} refused_cases[] = {
    {"cut.png", "PNG"},
    {"cut.jpg", "JPEG"},
    {"text-file.png", "neither PNG nor JPEG"},
    {"huge.png", "20000 × 20000"},
    {"overflow.png", "2147483647 × 2147483647"},
};

// Refused as BAD_CONFIGURATION, with these words in the message.
static const struct {
    const char *json, *says;
} configuration_cases[] = {
    {"", "expected '{' at byte 0"},
    {"[]", "expected '{'"},
    {"{", "expected a string"},
    {"{\"languages\": \"eng\"", "expected ',' or '}'"},
    {"{} x", "nothing after"},
    {"{\"languages\": \"eng\",}", "expected a string"},
    {"{\"languages\": \"e\\q\"}", "an escape"},
    {"{\"languages\": \"\\ud800\"}", "surrogate"},
    {"{\"languages\": \"eng", "the end of a string"},
    {"{\"languages\": 7}", "'languages': expected a string"},
    {"{\"languages\": \"../eng\"}", "'languages'"},
    {"{\"languages\": \"eng+\"}", "'languages'"},
    {"{\"languages\": \"\"}", "'languages'"},
    {"{\"languages\": \"eng\", \"languages\": \"eng\"}", "each key once"},
    {"{\"minimum_confidence\": \"high\"}", "found a string"},
    {"{\"minimum_confidence\": 1.5}", "found 1.5"},
    {"{\"minimum_confidence\": 1e999}", "from 0 to 1"},
    {"{\"minimum_confidence\": 01}", "',' or '}'"},
    {"{\"colour\": [1, {\"deep\": true}]}",
     "Unknown key 'colour': expected 'languages' or 'minimum_confidence', "
     "found an array"},
    {"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "less nesting"},
};

#endif
