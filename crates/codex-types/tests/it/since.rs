//! What an older runtime does not have is found while it is written.

use codex_types::since::{Missing, RUNTIMES, Reader, Since, of_method, written_for};
use codex_types::{ThreadResumeParams, TurnStartParams, UserInput};
use serde_json::json;

fn missing(runtime: u8, experimental: bool, params: &impl serde::Serialize) -> Option<Missing> {
    let reader = Reader {
        runtime,
        experimental,
    };
    let (written, missing) = written_for(reader, || serde_json::to_string(params));
    written.unwrap();
    missing
}

/// The first of the runtimes that has it as stable.
fn stable(since: Since) -> u8 {
    assert!(usize::from(since.stable) < RUNTIMES.len());
    since.stable
}

#[test]
fn a_field_that_is_set_is_found_and_one_that_is_not_is_none() {
    let plain = TurnStartParams::new(vec![], "t");
    assert_eq!(missing(0, false, &plain), None);
    let tiered = plain.service_tier_for_turn("fast");
    let found = missing(0, false, &tiered).unwrap();
    assert_eq!(
        (found.owner, found.name),
        ("TurnStartParams", "serviceTierForTurn")
    );
    assert_eq!(missing(stable(found.since), false, &tiered), None);
    // Nobody asks what is written otherwise.
    assert!(serde_json::to_string(&tiered).is_ok());
}

#[test]
fn what_was_experimental_then_is_missing_without_the_experimental_api() {
    let params = ThreadResumeParams::new("t").exclude_turns(true);
    let found = missing(0, false, &params).unwrap();
    assert!(found.since.there < found.since.stable, "{found:?}");
    assert_eq!(missing(found.since.there, true, &params), None);
    assert_eq!(missing(stable(found.since), false, &params), None);
    let method = of_method("thread/turns/list");
    assert!(method.there < method.stable, "{method:?}");
    assert_eq!(of_method("thread/list"), Since::ALWAYS);
}

#[test]
fn a_field_further_in_is_found_by_its_type() {
    let image = json!({"type": "image", "fileId": "f"});
    let image: UserInput = serde_json::from_value(image).unwrap();
    if matches!(image, UserInput::Image(_)) {
        let found = missing(0, false, &TurnStartParams::new(vec![image], "t")).unwrap();
        assert_eq!((found.owner, found.name), ("ImageUserInput", "fileId"));
    }
}
