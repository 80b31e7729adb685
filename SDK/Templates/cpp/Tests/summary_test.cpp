#include <iostream>

#include "summary.hpp"

static int failures;

static void expect(std::string_view text, std::string_view expected) {
    std::string found = Summary(text).description();
    if (found == expected) return;
    std::cout << '"' << text << "\": expected \"" << expected << "\", found \"" << found << "\"\n";
    failures++;
}

int main() {
    expect("", "0 lines, 0 words, longest line 0 bytes");
    expect("one two", "1 lines, 2 words, longest line 7 bytes");
    expect("a\n\nlonger line\n", "3 lines, 3 words, longest line 11 bytes");
    std::cout << (failures ? "FAILED\n" : "passed\n");
    return failures != 0;
}
