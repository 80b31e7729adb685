#include "summary.hpp"

#include <algorithm>

static bool is_space(char byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

Summary::Summary(std::string_view text) {
    std::uint64_t length = 0;
    bool in_word = false;
    for (char byte : text) {
        if (byte == '\n') {
            lines++;
            length = 0;
        } else {
            longest = std::max(longest, ++length);
        }
        if (!is_space(byte) && !in_word) words++;
        in_word = !is_space(byte);
    }
    // A last line without a line end is a line too.
    if (length > 0) lines++;
}

std::string Summary::description() const {
    return std::to_string(lines) + " lines, " + std::to_string(words) + " words, longest line "
        + std::to_string(longest) + " bytes";
}
