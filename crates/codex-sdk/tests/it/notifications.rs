//! Notifications that belong to no turn and no login.

use openai_codex::{Error, Notification};
use serde_json::json;

use crate::peer::{connect, within};

/// What no turn owns is told to all, also what is unknown.
#[tokio::test]
async fn unowned_notifications_reach_every_subscriber() {
    let (codex, mut server) = connect().await;
    let mut subscribers = [codex.notifications(), codex.notifications()];
    server
        .notify(
            "thread/status/changed",
            json!({"threadId": "t", "status": {"type": "idle"}}),
        )
        .notify("nobody/knows", json!({"turnId": "u", "x": [1]}))
        .notify("warning", json!({"message": 5}))
        .notify(
            "item/agentMessage/delta",
            json!({"threadId": "t", "turnId": "u", "itemId": "i", "delta": "x"}),
        );
    for notifications in &mut subscribers {
        let mut seen = Vec::new();
        for _ in 0..4 {
            seen.push(within(notifications.next()).await.unwrap().unwrap());
        }
        let methods: Vec<_> = seen.iter().map(Notification::method).collect();
        assert_eq!(
            methods,
            [
                "thread/status/changed",
                "nobody/knows",
                "warning",
                "item/agentMessage/delta"
            ]
        );
        let (Notification::Unknown(unknown), Notification::Unknown(unfit)) = (&seen[1], &seen[2])
        else {
            panic!("{seen:?}");
        };
        assert_eq!(
            (&unknown.params, &unknown.error),
            (&json!({"turnId": "u", "x": [1]}), &None)
        );
        assert!(unfit.error.is_some());
        assert_eq!(seen[1].turn_id(), Some("u"));
    }
}

/// A slow subscriber loses the oldest, and knows how many.
#[tokio::test]
async fn a_subscriber_that_does_not_read_is_told_what_it_missed() {
    let (codex, mut server) = connect().await;
    let mut slow = codex.notifications();
    let mut watch = codex.notifications();
    let total = 10_000;
    tokio::spawn(async move {
        for n in 0..total {
            server.notify("skills/changed", json!({"n": n}));
        }
        server.notify("nobody/knows", json!({}));
        server.flushed().await.unwrap();
        std::future::pending::<()>().await;
    });
    let mut seen = 0;
    loop {
        match within(watch.next()).await.unwrap() {
            Ok(Notification::Unknown(_)) => break,
            Ok(_) => seen += 1,
            Err(Error::Lagged(missed)) => seen += missed,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(seen, total);
    let Some(Err(Error::Lagged(missed))) = within(slow.next()).await else {
        panic!("it is not told");
    };
    let mut rest = 0;
    while !matches!(
        within(slow.next()).await.unwrap().unwrap(),
        Notification::Unknown(_)
    ) {
        rest += 1;
    }
    assert_eq!(missed + rest, total);
    assert!(rest < 1100, "{rest}");
}
