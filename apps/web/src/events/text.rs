//! Bounds of long texts.

/// How many bytes of one text are kept.
pub(super) const LIMIT: usize = 128 * 1024;

/// Keeps the end of a text; tells whether something was left out.
pub(super) fn keep_end(text: &mut String) -> bool {
    let Some(mut start) = text.len().checked_sub(LIMIT).filter(|start| *start > 0) else {
        return false;
    };
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.drain(..start);
    true
}

/// Keeps the beginning of a text; tells whether something was left out.
pub(super) fn keep_start(text: &mut String) -> bool {
    if text.len() <= LIMIT {
        return false;
    }
    let mut end = LIMIT;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    true
}

#[cfg(test)]
mod tests {
    use super::{LIMIT, keep_end, keep_start};

    #[test]
    fn long_texts_are_cut_between_characters() {
        let long = "é".repeat(LIMIT);
        let mut end = format!("{long}x");
        assert!(keep_end(&mut end));
        assert!(end.len() <= LIMIT && end.ends_with("éx"));
        let mut start = format!("x{long}");
        assert!(keep_start(&mut start));
        assert!(start.len() <= LIMIT && start.starts_with("xé"));
    }

    #[test]
    fn short_texts_stay() {
        let mut text = "x".repeat(LIMIT);
        assert!(!keep_end(&mut text));
        assert!(!keep_start(&mut text));
        assert_eq!(text.len(), LIMIT);
    }
}
