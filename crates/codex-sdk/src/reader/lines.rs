//! Cuts a byte stream into lines.

/// The bytes that were read and are not yet used up.
///
/// Room is added at the end and lines are taken from the front. A line that grows over many
/// reads is neither searched nor moved twice, so a long line costs its length.
#[derive(Debug)]
pub(crate) struct Lines {
    buffer: Vec<u8>,
    /// Where the next line starts.
    start: usize,
    /// Up to where the buffer holds no end of the next line.
    searched: usize,
    longest: usize,
}

/// A line that is longer than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// How much room a read gets: what a pipe holds.
const CHUNK: usize = 64 * 1024;
/// The memory that is kept between lines.
const KEEP: usize = 4 * CHUNK;

impl Lines {
    /// Makes an empty buffer that refuses lines of more than `longest` bytes.
    pub(crate) fn new(longest: usize) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            longest,
        }
    }

    /// Returns the buffer with room at its end, to append to.
    pub(crate) fn room(&mut self) -> &mut Vec<u8> {
        if self.start > 0 {
            // Only the beginning of one line is left, as lines are taken before more is read.
            self.buffer.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        if self.buffer.is_empty() && self.buffer.capacity() > KEEP {
            self.buffer = Vec::new();
        }
        // `reserve` grows by doubling, which keeps a long line linear.
        self.buffer.reserve(CHUNK);
        &mut self.buffer
    }

    /// Takes the next whole line, without its end.
    ///
    /// # Errors
    ///
    /// [`TooLong`] if the line, or what has come of it, is longer than allowed.
    pub(crate) fn next_line(&mut self) -> Result<Option<&[u8]>, TooLong> {
        match memchr::memchr(b'\n', &self.buffer[self.searched..]) {
            Some(at) => {
                let line = self.start..self.searched + at;
                self.start = line.end + 1;
                self.searched = self.start;
                if line.len() > self.longest {
                    return Err(TooLong);
                }
                Ok(Some(&self.buffer[line]))
            }
            None => {
                self.searched = self.buffer.len();
                if self.searched - self.start > self.longest {
                    return Err(TooLong);
                }
                Ok(None)
            }
        }
    }

    /// Takes what is left after the last end of a line: a line whose end never came.
    pub(crate) fn rest(&mut self) -> &[u8] {
        let rest = self.start..self.buffer.len();
        self.start = rest.end;
        self.searched = rest.end;
        &self.buffer[rest]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(chunks: &[Vec<u8>], longest: usize) -> Result<Vec<Vec<u8>>, TooLong> {
        let mut lines = Lines::new(longest);
        let mut found = Vec::new();
        for chunk in chunks {
            lines.room().extend_from_slice(chunk);
            while let Some(line) = lines.next_line()? {
                found.push(line.to_vec());
            }
        }
        found.push(lines.rest().to_vec());
        Ok(found)
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(
            chunks in prop::collection::vec(
                prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..20),
                0..20,
            )
        ) {
            let whole: Vec<u8> = chunks.concat();
            let expected: Vec<Vec<u8>> =
                whole.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            prop_assert_eq!(cut(&chunks, 1000).unwrap(), expected);
        }
    }

    #[test]
    fn a_line_may_be_as_long_as_allowed() {
        assert!(cut(&[b"12345\n".to_vec()], 5).is_ok());
        assert_eq!(cut(&[b"123456\n".to_vec()], 5), Err(TooLong));
        assert_eq!(cut(&[b"123".to_vec(), b"456".to_vec()], 5), Err(TooLong));
    }

    #[test]
    fn memory_is_given_back_after_a_long_line() {
        let mut lines = Lines::new(usize::MAX);
        for _ in 0..100 {
            lines.room().extend_from_slice(&vec![b'x'; CHUNK]);
            assert_eq!(lines.next_line(), Ok(None));
        }
        lines.room().push(b'\n');
        assert_eq!(
            lines.next_line().unwrap().map(<[u8]>::len),
            Some(100 * CHUNK)
        );
        assert!(lines.room().capacity() <= KEEP);
    }
}
