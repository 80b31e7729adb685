// What a text is like, in one line.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

struct Summary {
    std::uint64_t lines = 0;
    std::uint64_t words = 0;
    std::uint64_t longest = 0;  // bytes of the longest line

    // Any bytes will do.
    explicit Summary(std::string_view text);

    std::string description() const;
};
