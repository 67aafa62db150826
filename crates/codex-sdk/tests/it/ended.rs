//! The end of a client: who waits for it, and that no other refusal goes before it.

use std::sync::Arc;

use futures_util::FutureExt as _;
use openai_codex::types::{ThreadArchiveParams, TurnStartParams};
use openai_codex::{ApprovalMode, CloseReason, CodexConfig, Error, InputItem};

use crate::peer::{
    connect, connect_to_version, joined, spawn, stage, start_thread, start_turn, within,
};

/// What is wrong with a call does not matter once the client has ended, and neither does that its end has taken the
/// consumer of the approvals away.
#[tokio::test]
async fn no_refusal_goes_before_the_end_of_the_client() {
    let (codex, mut server, thread) = stage().await;
    let _approvals = codex.approvals().unwrap();
    let turn = start_turn(&thread, &mut server, "a").await;
    // Before the end, the same calls are refused for what is wrong with them, or would be sent.
    let refused = thread.turn(Vec::<InputItem>::new()).await.unwrap_err();
    assert!(matches!(refused, Error::InvalidInput(_)), "{refused:?}");
    drop(server);
    within(codex.closed()).await;

    let user = ApprovalMode::UserReview;
    let nowhere = "/no/such/folder";
    let refusals = [
        codex.thread_start().approval_mode(user).await.unwrap_err(),
        codex.thread_start().cwd("").await.unwrap_err(),
        codex.thread_start().cwd(nowhere).await.unwrap_err(),
        codex
            .thread_resume("t")
            .approval_mode(user)
            .await
            .unwrap_err(),
        codex.thread_resume("t").cwd("").await.unwrap_err(),
        codex
            .thread_resume_latest()
            .approval_mode(user)
            .await
            .unwrap_err(),
        codex
            .thread_fork("t")
            .approval_mode(user)
            .await
            .unwrap_err(),
        codex.thread_fork("t").cwd("").await.unwrap_err(),
        thread.turn("x").approval_mode(user).await.unwrap_err(),
        thread.turn("x").cwd("").await.unwrap_err(),
        thread.turn("x").if_idle().await.unwrap_err(),
        thread.turn("x").output_schema(5.into()).await.unwrap_err(),
        thread.turn(Vec::<InputItem>::new()).await.unwrap_err(),
        thread.once("", "x").await.unwrap_err(),
        turn.steer(Vec::<InputItem>::new()).await.unwrap_err(),
        turn.interrupt().await.unwrap_err(),
        codex.approvals().unwrap_err(),
        codex.thread_unarchive("").await.unwrap_err(),
        codex.login_api_key("").await.unwrap_err(),
        thread.export().await.unwrap_err(),
        thread.join_turn("b").run().await.unwrap_err(),
    ];
    for (at, refusal) in refusals.into_iter().enumerate() {
        assert!(refusal.is_closed(), "call {at}: {refusal:?}");
    }
}

/// The version of the runtime does not matter either.
#[tokio::test]
async fn what_an_old_runtime_lacks_does_not_go_before_the_end() {
    let (codex, mut server) = connect_to_version("0.144.4").await;
    let thread = start_thread(&codex, &mut server, "t").await;
    let newer = TurnStartParams::new([], "t").service_tier_for_turn("flex");
    let lacking = codex.request(newer.clone()).await.unwrap_err();
    assert!(
        matches!(lacking, Error::UnsupportedRuntime { .. }),
        "{lacking:?}"
    );
    within(codex.close()).await.unwrap();
    let refusals = [
        codex.request(newer).await.unwrap_err(),
        thread
            .turn("x")
            .turn_service_tier("flex")
            .await
            .unwrap_err(),
    ];
    for refusal in refusals {
        assert!(refusal.is_closed(), "{refusal:?}");
    }
}

/// Everybody who waits gets the reason that calls fail with; a wait that was given up loses nothing.
#[tokio::test]
async fn the_end_is_told_to_everybody_who_waits_for_it() {
    let (codex, server) = connect().await;
    assert!(codex.closed().now_or_never().is_none());
    let waiting = [(); 3].map(|()| {
        let codex = codex.clone();
        spawn(async move { Ok(codex.closed().await) })
    });
    let calling = {
        let codex = codex.clone();
        spawn(async move { codex.request(ThreadArchiveParams::new("t")).await })
    };
    tokio::task::yield_now().await;
    drop(server);
    let Error::Closed(reason) = joined(calling).await.unwrap_err() else {
        panic!("the call ended otherwise");
    };
    for waiting in waiting {
        let told = joined(waiting).await.unwrap();
        assert!(Arc::ptr_eq(&told, &reason), "{told:?}");
    }
    // Closing does not change it.
    within(codex.close()).await.unwrap();
    assert!(Arc::ptr_eq(&within(codex.closed()).await, &reason));
}

/// Closing the client is a reason too.
#[tokio::test]
async fn a_client_that_is_closed_says_so_to_who_waits() {
    let (codex, _server) = connect().await;
    let waiting = {
        let codex = codex.clone();
        spawn(async move { Ok(codex.closed().await) })
    };
    within(codex.close()).await.unwrap();
    let reason = joined(waiting).await.unwrap();
    assert!(matches!(*reason, CloseReason::Requested), "{reason:?}");
}

/// An executable that ends at once is named, with its status and what to do.
#[cfg(unix)]
#[tokio::test]
async fn a_program_that_ends_at_once_is_named() {
    let rows = [
        (
            CodexConfig::new().codex_bin("/bin/false"),
            "the connection is closed: the runtime ended with exit status: 1 before it was ready; its program is \
             /bin/false: name a Codex runtime with codex_bin or CODEX_BIN if that is none, else correct its \
             configuration; it wrote no error output",
        ),
        (
            CodexConfig::new().launch_command(["/bin/sh", "-c", "echo no way >&2; exit 3"]),
            "the connection is closed: the runtime ended with exit status: 3 before it was ready; its program is \
             /bin/sh: name a Codex runtime with codex_bin or CODEX_BIN if that is none, else correct its \
             configuration; its last error output:\nno way",
        ),
    ];
    for (config, text) in rows {
        let error = within(openai_codex::Codex::start_with(config))
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), text);
        let Error::Closed(reason) = &error else {
            panic!("{error:?}");
        };
        assert!(
            matches!(&**reason, CloseReason::Exited { at_start: true, .. }),
            "{reason:?}"
        );
    }
}
