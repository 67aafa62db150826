//! The twins of the client for code that is not async.

use std::time::Duration;

use codex_testkit::{Answer, Gate, Home, HomeBuilder, MockModel};
use openai_codex::blocking::Codex;
use openai_codex::types::{Account, AskForApproval, CancelLoginAccountStatus, TurnStatus};
use openai_codex::{ApprovalMode, ExternalMessage, Notification, Sandbox};

use crate::items::{agent_texts, completed, deltas, dialog};
use crate::stage::{bounded, config, hosts_asked, is_too_old, version, within};

mod decisions;

/// The fields are dropped in this order: the runtime ends before its home goes.
struct Stage {
    codex: Codex,
    home: Home,
    model: MockModel,
}

impl Stage {
    fn new() -> Self {
        Self::with_home(|home| home)
    }

    fn with_home(change: impl FnOnce(HomeBuilder) -> HomeBuilder) -> Self {
        let model = MockModel::start_blocking().unwrap();
        let home = change(Home::builder(&model)).build().unwrap();
        let codex = Codex::start_with(config(&home, &model)).unwrap();
        Self { codex, home, model }
    }

    fn finish(self) {
        self.codex.close().unwrap();
        self.model.assert_exhausted();
        assert_eq!(hosts_asked(&self.model), [""; 0]);
    }
}

/// A turn is run without async code.
#[test]
fn a_turn_is_run() {
    bounded(|| {
        let stage = Stage::new();
        assert_eq!(
            stage.codex.server_info().runtime_version,
            version().to_string()
        );
        stage.model.push(Answer::text("Hello back."));
        let thread = stage.codex.thread_start().send().unwrap();
        let result = thread.run("hello").unwrap();
        assert_eq!(result.status, TurnStatus::Completed);
        assert_eq!(result.final_response.as_deref(), Some("Hello back."));
        assert_eq!(dialog(&result.items), ["user: hello", "agent: Hello back."]);
        assert_eq!(result.usage.unwrap().last.total_tokens, 15);
        let requests = stage.model.responses_requests();
        assert_eq!(requests[0].last_user_text(), Some("hello"));
        stage.finish();
    });
}

/// The mode of a turn stays until another one is given.
#[test]
fn the_mode_of_a_turn_stays_until_the_next_one() {
    bounded(|| {
        let stage = Stage::new();
        stage.model.default_answer(Answer::text("done"));
        let thread = stage.codex.thread_start().send().unwrap();
        let policy = || {
            let resumed = stage.codex.thread_resume(thread.id()).send().unwrap();
            resumed.info().approval_policy.clone()
        };
        let denying = thread.turn("go").approval_mode(ApprovalMode::DenyAll);
        denying.run().unwrap();
        assert_eq!(policy(), AskForApproval::Never);
        thread.run("go on").unwrap();
        assert_eq!(policy(), AskForApproval::Never);
        let reviewed = thread.turn("go").approval_mode(ApprovalMode::AutoReview);
        reviewed.run().unwrap();
        assert_eq!(policy(), AskForApproval::OnRequest);
        stage.finish();
    });
}

/// A handle is an iterator that ends with the completion.
#[test]
fn a_handle_is_an_iterator() {
    bounded(|| {
        let stage = Stage::new();
        stage.model.push(Answer::deltas(["he", "llo"]));
        let thread = stage
            .codex
            .thread_start()
            .sandbox(Sandbox::ReadOnly)
            .send()
            .unwrap();
        let turn = thread.turn("greet").send().unwrap();
        let events: Vec<Notification> = turn.collect::<Result<_, _>>().unwrap();
        assert_eq!(deltas(&events), ["he", "llo"]);
        assert_eq!(dialog(&completed(&events)), ["user: greet", "agent: hello"]);
        assert!(matches!(
            events.last(),
            Some(Notification::TurnCompleted(_))
        ));
        stage.finish();
    });
}

/// The text of a turn is an iterator too.
#[test]
fn the_text_is_an_iterator() {
    bounded(|| {
        let stage = Stage::new();
        stage.model.push(Answer::deltas(["he", "llo"]));
        let thread = stage.codex.thread_start().send().unwrap();
        let text = thread.turn("greet").send().unwrap().text_deltas();
        let text: Vec<String> = text.map(|delta| delta.unwrap().to_string()).collect();
        assert_eq!(text.concat(), "hello");
        stage.finish();
    });
}

/// Two turns that are read in turns keep apart.
#[test]
fn turns_read_in_turns_keep_apart() {
    bounded(|| {
        let stage = Stage::new();
        for name in ["one", "two"] {
            let matches =
                move |request: &codex_testkit::Request| request.last_user_text() == Some(name);
            stage
                .model
                .when(matches)
                .push(Answer::deltas(["I am ", name]));
        }
        let start = || stage.codex.thread_start().send().unwrap();
        let (first, second) = (start(), start());
        let mut one = first.turn("one").send().unwrap();
        let mut two = second.turn("two").send().unwrap();
        let (mut ones, mut twos) = (Vec::new(), Vec::new());
        loop {
            let next = (one.next(), two.next());
            if next.0.is_none() && next.1.is_none() {
                break;
            }
            ones.extend(next.0.map(Result::unwrap));
            twos.extend(next.1.map(Result::unwrap));
        }
        assert_eq!(agent_texts(&completed(&ones)), ["I am one"]);
        assert_eq!(agent_texts(&completed(&twos)), ["I am two"]);
        stage.finish();
    });
}

/// A turn is steered and interrupted while another thread reads it.
#[test]
fn a_turn_is_steered_and_interrupted_from_another_thread() {
    bounded(|| {
        let stage = Stage::new();
        let (first, second) = (Gate::new(), Gate::new());
        stage
            .model
            .push(Answer::text("before").gate_at_end(&first))
            .push(Answer::text("never").gate(&second));
        let thread = stage.codex.thread_start().send().unwrap();
        let turn = thread.turn("go").send().unwrap();
        let control = turn.control();
        let reading = std::thread::spawn(move || turn.run());
        first.reached_blocking().unwrap();
        control.steer("Steer it.").unwrap();
        first.open();
        second.reached_blocking().unwrap();
        control.interrupt().unwrap();
        let result = reading.join().unwrap().unwrap();
        assert_eq!(result.status, TurnStatus::Interrupted);
        let requests = stage.model.responses_requests();
        assert_eq!(requests[1].last_user_text(), Some("Steer it."));
        stage.finish();
    });
}

/// A thread goes through its whole life.
#[test]
fn a_thread_goes_through_its_whole_life() {
    bounded(|| {
        let stage = Stage::new();
        stage.model.default_answer(Answer::text("done"));
        let codex = &stage.codex;
        let thread = codex.thread_start().send().unwrap();
        thread.run("go").unwrap();
        thread.set_name("Everything").unwrap();
        let read = thread.read_with_turns().unwrap().thread;
        assert_eq!(read.name.as_deref(), Some("Everything"));
        assert_eq!(dialog(&read.turns[0].items), ["user: go", "agent: done"]);
        assert_eq!(thread.turns().count(), 1);
        let resumed = codex.thread_resume(thread.id()).send().unwrap();
        assert_eq!(resumed.id(), thread.id());
        let forked = codex.thread_fork(thread.id()).send().unwrap();
        assert_ne!(forked.id(), thread.id());
        codex.thread_archive(thread.id()).unwrap();
        let archived = codex.thread_list().archived(true).iter();
        let archived: Vec<_> = archived.map(|thread| thread.unwrap().id).collect();
        assert_eq!(archived, [thread.id()]);
        let back = codex.thread_unarchive(thread.id()).unwrap();
        assert_eq!(back.run("go on").unwrap().text(), "done");
        stage.finish();
    });
}

/// An external message is run.
#[test]
fn an_external_message_is_run() {
    bounded(|| {
        let stage = Stage::new();
        stage.model.push(Answer::text("good news"));
        let thread = stage.codex.thread_start().send().unwrap();
        let message = ExternalMessage::new("notifications", "The build is green.");
        let result = match thread.run(message) {
            Err(error) if is_too_old(&error) => return,
            result => result.unwrap(),
        };
        assert_eq!(result.text(), "good news");
        let requests = stage.model.responses_requests();
        let told = requests[0].function_call_outputs();
        assert_eq!(told[0].name.as_deref(), Some("notifications"));
        stage.finish();
    });
}

/// Models are listed by page and over all pages.
#[test]
fn models_are_listed() {
    bounded(|| {
        let stage = Stage::new();
        let page = stage.codex.models().include_hidden(true).send().unwrap();
        let all = stage.codex.models().include_hidden(true).iter();
        let all: Vec<_> = all.collect::<Result<_, _>>().unwrap();
        assert_eq!(all, page.data);
        assert!(!all.is_empty());
        stage.finish();
    });
}

/// A login by key is the account until the logout.
#[test]
fn a_key_is_the_account_until_the_logout() {
    bounded(|| {
        let stage = Stage::with_home(|home| home.requires_openai_auth());
        assert_eq!(stage.codex.account().unwrap().account, None);
        stage.codex.login_api_key("sk-not-a-key").unwrap();
        let account = stage.codex.account().unwrap().account;
        assert!(matches!(account, Some(Account::ApiKey(_))), "{account:?}");
        stage.codex.logout().unwrap();
        assert_eq!(stage.codex.account().unwrap().account, None);
        stage.finish();
    });
}

/// A login by browser is canceled.
#[test]
fn a_login_by_browser_is_canceled() {
    bounded(|| {
        let port = crate::login::login_port_blocking();
        let stage = Stage::new();
        let login = stage.codex.login_chatgpt().unwrap();
        let canceled = login.cancel().unwrap();
        assert_eq!(canceled.status, CancelLoginAccountStatus::Canceled);
        let outcome = login.wait().unwrap();
        assert_eq!(outcome.login_id.as_deref(), Some(login.login_id()));
        assert!(!outcome.success);
        stage.finish();
        drop(port);
    });
}

/// Dropping is fine anywhere, in async code too, and interrupts the turn.
#[tokio::test]
async fn dropping_is_fine_in_async_code() {
    let started = tokio::task::spawn_blocking(|| {
        let stage = Stage::new();
        let gate = Gate::new();
        stage
            .model
            .push(Answer::text("never").gate(&gate))
            .push(Answer::text("after all"));
        let thread = stage.codex.thread_start().send().unwrap();
        let turn = thread.turn("go").send().unwrap();
        gate.reached_blocking().unwrap();
        (stage, thread, turn)
    });
    let (stage, thread, turn) = within(started).await.unwrap();
    drop(turn);
    let thread = tokio::task::spawn_blocking(move || {
        assert_eq!(thread.run("and now?").unwrap().text(), "after all");
        thread
    });
    drop(within(thread).await.unwrap());
    stage.model.assert_exhausted();
    drop(stage.codex);
    drop(stage.home);
}

/// The runtime is served while no call is made.
#[test]
fn the_runtime_is_served_between_calls() {
    bounded(|| {
        let stage = Stage::new();
        let gate = Gate::new();
        stage.model.push(Answer::text("x").gate_at_end(&gate));
        let thread = stage.codex.thread_start().send().unwrap();
        let turn = thread.turn("go").send().unwrap();
        let control = turn.control();
        let interrupter = std::thread::spawn(move || control.interrupt());
        interrupter.join().unwrap().unwrap();
        assert_eq!(turn.run().unwrap().status, TurnStatus::Interrupted);
    });
}

/// The end of the client reaches a thread that waits for it.
#[test]
fn the_end_is_told_to_a_thread_that_waits_for_it() {
    bounded(|| {
        let stage = Stage::new();
        let watched = stage.codex.clone();
        let watcher = std::thread::spawn(move || watched.closed());
        stage.codex.close().unwrap();
        let reason = watcher.join().unwrap();
        assert!(
            matches!(*reason, openai_codex::CloseReason::Requested),
            "{reason:?}"
        );
    });
}

/// A turn goes on when the client that it came from is dropped, in any order.
#[test]
fn handles_outlive_the_client_and_can_be_dropped_in_any_order() {
    bounded(|| {
        let Stage { codex, home, model } = Stage::new();
        model.push(Answer::deltas(["a", "b"]).delta_delay(Duration::from_millis(5)));
        let turn = {
            let notifications = codex.notifications();
            let thread = codex.thread_start().send().unwrap();
            drop(codex);
            let turn = thread.turn("go").send().unwrap();
            drop(notifications);
            turn
        };
        assert_eq!(turn.run().unwrap().text(), "ab");
        drop(home);
    });
}

/// A call on an async thread panics with a text that says so; on a blocking thread it works.
#[test]
fn async_code_must_not_block() {
    bounded(|| {
        let stage = Stage::new();
        stage.model.push(Answer::text("x"));
        let codex = stage.codex.clone();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let refused = std::thread::spawn(move || {
            runtime.block_on(async {
                let other = codex.clone();
                let started = tokio::task::spawn_blocking(move || {
                    other.thread_start().send().unwrap().run("go").unwrap()
                });
                assert_eq!(started.await.unwrap().text(), "x");
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| codex.account().is_ok()))
            })
        });
        let panic = refused.join().unwrap().unwrap_err();
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.into()));
        assert!(text.unwrap().contains("runtime"));
        stage.finish();
    });
}
