//! Random interleavings against what must hold whatever happens: nothing lost, duplicated,
//! reordered within a turn, or left behind; no turn interrupted that is wanted, none left running
//! that is not.

use proptest::prelude::*;

mod world;

use super::*;
use world::{World, thread_name, turn_name};

/// A step; numbers pick among what is there, and a step that does not apply does nothing.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Start {
        thread: usize,
        joining: Joining,
    },
    /// The runtime takes a start, and from then on its turn may have events.
    Take {
        call: usize,
    },
    Answer {
        call: usize,
    },
    Refuse {
        call: usize,
    },
    Cancel {
        call: usize,
    },
    Run {
        thread: usize,
    },
    Item {
        thread: usize,
    },
    Stray,
    Complete {
        thread: usize,
    },
    /// The thread ends, and with it its turn, without a completion.
    End {
        thread: usize,
    },
    /// The grace of turns that wait for their completion is over.
    Wait,
    Join {
        thread: usize,
    },
    Drop {
        handle: usize,
    },
    Detach {
        handle: usize,
    },
    /// A turn is interrupted whoever reads it.
    Stop {
        thread: usize,
    },
    Read {
        handle: usize,
    },
    /// The runtime answers an interrupt; it may be too busy to take it.
    AnswerInterrupt {
        at: usize,
        busy: bool,
    },
    /// The runtime asks something about the turn of a thread.
    Ask {
        thread: usize,
    },
    Reply {
        request: usize,
    },
    Resolve {
        request: usize,
    },
    Close,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let n = || 0..8_usize;
    let joining = prop_oneof![3 => Just(Joining::Allowed), 1 => Just(Joining::Refused)];
    let step = prop_oneof![
        4 => (n(), joining).prop_map(|(thread, joining)| Step::Start { thread, joining }),
        4 => n().prop_map(|call| Step::Take { call }),
        4 => n().prop_map(|call| Step::Answer { call }),
        1 => n().prop_map(|call| Step::Refuse { call }),
        1 => n().prop_map(|call| Step::Cancel { call }),
        4 => n().prop_map(|thread| Step::Run { thread }),
        8 => n().prop_map(|thread| Step::Item { thread }),
        1 => Just(Step::Stray),
        3 => n().prop_map(|thread| Step::Complete { thread }),
        1 => n().prop_map(|thread| Step::End { thread }),
        1 => Just(Step::Wait),
        1 => n().prop_map(|thread| Step::Join { thread }),
        2 => n().prop_map(|handle| Step::Drop { handle }),
        1 => n().prop_map(|handle| Step::Detach { handle }),
        1 => n().prop_map(|thread| Step::Stop { thread }),
        2 => n().prop_map(|handle| Step::Read { handle }),
        2 => (n(), any::<bool>()).prop_map(|(at, busy)| Step::AnswerInterrupt { at, busy }),
        1 => n().prop_map(|thread| Step::Ask { thread }),
        1 => n().prop_map(|request| Step::Reply { request }),
        1 => n().prop_map(|request| Step::Resolve { request }),
    ];
    let close = prop_oneof![1 => Just(Some(Step::Close)), 3 => Just(None)];
    (prop::collection::vec(step, 0..80), close, n()).prop_map(|(mut steps, close, at)| {
        if let Some(close) = close {
            let at = steps.len() * at / 8;
            steps.insert(at, close);
        }
        steps
    })
}

proptest! {
    #![proptest_config(ProptestConfig::default())]

    #[test]
    fn whatever_happens_events_reach_their_readers_and_nothing_stays(
        steps in steps(),
        most in 1..3_usize,
    ) {
        let mut world = World::new(most);
        let (global, mut published) = world.router.subscribe_globally(1000);
        let mut all = steps;
        // In the end the runtime answers and completes everything.
        for _ in 0..40 {
            all.extend((0..8).map(|call| Step::Take { call }));
            all.push(Step::Answer { call: 0 });
            all.push(Step::AnswerInterrupt { at: 0, busy: false });
        }
        all.extend([0, 1].map(|thread| Step::Complete { thread }));
        all.extend([Step::AnswerInterrupt { at: 0, busy: false }, Step::Wait]);
        for step in &all {
            let fx = world.step(step);
            world.check(fx);
        }
        prop_assert!(world.calls.is_empty());
        for handle in std::mem::take(&mut world.handles) {
            let (thread, turn, id) = (
                thread_name(world.turns[&handle.turn].thread),
                turn_name(handle.turn),
                handle.id,
            );
            world.finish(handle);
            world.router.unsubscribe(&thread, &turn, id, &mut fx());
        }
        for request in std::mem::take(&mut world.requests) {
            prop_assert!(world.router.request_answered(request.entered.key, b"", &mut fx()));
        }
        // Threads have no order among each other.
        let by_thread = |mut events: Vec<Event>| {
            events.sort_by(|a, b| a.thread.cmp(&b.thread));
            events
        };
        prop_assert_eq!(by_thread(drain(&mut published).0), by_thread(world.published));
        world.router.unsubscribe_globally(global);
        prop_assert!(world.router.is_idle(), "{:?}", world.router);
    }
}
