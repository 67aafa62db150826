//! Long queues merge deltas, and lose nothing by it.

use proptest::prelude::*;

use super::super::buffer::{Buffer, MERGE_FROM};
use super::*;

fn texts(events: &[Event], item: u8) -> String {
    let deltas = events.iter().filter_map(|event| match &event.what {
        What::Delta(of, text) if *of == item => Some(text.as_str()),
        _ => None,
    });
    deltas.collect()
}

/// For each event that is no delta, what text of each item came before it.
fn order(events: &[Event]) -> Vec<(Event, Vec<usize>)> {
    let others = events
        .iter()
        .enumerate()
        .filter(|(_, event)| event.key().is_none());
    others
        .map(|(at, event)| {
            let before = &events[..at];
            (
                event.clone(),
                (0..4).map(|item| texts(before, item).len()).collect(),
            )
        })
        .collect()
}

proptest! {
    #[test]
    fn merging_keeps_every_text_and_every_other_event_in_its_place(
        whats in prop::collection::vec(
            prop_oneof![
                8 => (0..4_u8, "[a-z]{1,3}").prop_map(|(item, text)| What::Delta(item, text)),
                1 => (0..1000_u32).prop_map(What::Item),
            ],
            0..200,
        ),
        swap_at in 0..200_usize,
    ) {
        let mut sent = Vec::new();
        let mut taken = VecDeque::new();
        let mut buffer = Buffer::default();
        for n in 0..MERGE_FROM as u32 {
            sent.push(Event::new("t", "u", What::Item(n)));
        }
        sent.extend(whats.into_iter().map(|what| Event::new("t", "u", what)));
        let mut got = Vec::new();
        for (at, event) in sent.iter().enumerate() {
            if at == MERGE_FROM + swap_at {
                buffer.swap(&mut taken);
                got.extend(taken.drain(..));
            }
            buffer.push(event.clone());
        }
        got.extend(buffer.into_events());
        for item in 0..4 {
            prop_assert_eq!(texts(&got, item), texts(&sent, item));
        }
        prop_assert_eq!(order(&got), order(&sent));
    }
}
