#include <stdio.h>
#include <string.h>

#include "summary.h"

static int failures;

static void expect(const char *text, const char *expected) {
    char line[128];
    Summary summary = summarize((const uint8_t *)text, strlen(text));
    summary_write(&summary, line, sizeof line);
    if (strcmp(line, expected) == 0) return;
    printf("\"%s\": expected \"%s\", found \"%s\"\n", text, expected, line);
    failures++;
}

int main(void) {
    expect("", "0 lines, 0 words, longest line 0 bytes");
    expect("one two", "1 lines, 2 words, longest line 7 bytes");
    expect("a\n\nlonger line\n", "3 lines, 3 words, longest line 11 bytes");
    puts(failures ? "FAILED" : "passed");
    return failures != 0;
}
