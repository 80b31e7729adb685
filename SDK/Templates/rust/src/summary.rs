//! What a text is like, in one line.

#[derive(Default)]
pub struct Summary {
    lines: u64,
    words: u64,
    /// Bytes of the longest line.
    longest: u64,
}

impl Summary {
    /// Any bytes will do.
    pub fn new(text: &[u8]) -> Summary {
        let mut summary = Summary::default();
        let mut length = 0;
        let mut in_word = false;
        for byte in text {
            if *byte == b'\n' {
                summary.lines += 1;
                length = 0;
            } else {
                length += 1;
                summary.longest = summary.longest.max(length);
            }
            let is_space = *byte == b' ' || (9..=13).contains(byte);
            if !is_space && !in_word {
                summary.words += 1;
            }
            in_word = !is_space;
        }
        // A last line without a line end is a line too.
        if length > 0 {
            summary.lines += 1;
        }
        summary
    }

    pub fn description(&self) -> String {
        format!("{} lines, {} words, longest line {} bytes", self.lines, self.words, self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::Summary;

    #[test]
    fn counts_lines_and_words() {
        for (text, expected) in [
            ("", "0 lines, 0 words, longest line 0 bytes"),
            ("one two", "1 lines, 2 words, longest line 7 bytes"),
            ("a\n\nlonger line\n", "3 lines, 3 words, longest line 11 bytes"),
        ] {
            assert_eq!(Summary::new(text.as_bytes()).description(), expected);
        }
    }
}
