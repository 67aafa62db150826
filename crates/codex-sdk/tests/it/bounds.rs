//! Conversions and auto traits of the public types.

/// Tells whether a type meets a bound: the inherent method is there only if it does, and is
/// preferred then.
macro_rules! meets {
    ($type:ty: $($bound:tt)+) => {{
        struct Probe<T>(std::marker::PhantomData<T>);
        impl<T: $($bound)+> Probe<T> {
            #[allow(dead_code, reason = "used where the bound is met")]
            fn meets(&self) -> bool {
                true
            }
        }
        #[allow(dead_code, reason = "used where it is not")]
        trait Otherwise {
            fn meets(&self) -> bool {
                false
            }
        }
        impl<T> Otherwise for Probe<T> {}
        Probe::<$type>(std::marker::PhantomData).meets()
    }};
}

/// What is no input, or no preset, does not compile.
#[test]
fn only_inputs_are_inputs_and_only_items_steer() {
    use openai_codex::{ApprovalMode, ExternalMessage, Input, InputItem, RunInput, Sandbox};
    assert!(meets!(&str: Into<Input>));
    assert!(meets!(String: Into<Input>));
    assert!(meets!(InputItem: Into<Input>));
    assert!(meets!(Vec<InputItem>: Into<Input>));
    assert!(meets!([InputItem; 2]: Into<Input>));
    assert!(meets!(Vec<InputItem>: Into<RunInput>));
    assert!(meets!(ExternalMessage: Into<RunInput>));
    assert!(!meets!(ExternalMessage: Into<Input>));
    assert!(!meets!(u8: Into<RunInput>));
    assert!(!meets!(&str: Into<Sandbox>));
    assert!(!meets!(&str: Into<ApprovalMode>));
}

/// `run` takes the handle, so that it can be asked only once.
#[test]
fn handles_are_one_of_a_kind_and_threads_are_not() {
    use openai_codex::{Thread, TurnControl, TurnHandle};
    assert!(!meets!(TurnHandle: Clone));
    assert!(meets!(TurnControl: Clone));
    assert!(meets!(Thread: Clone));
}

/// Whatever runs a turn gives the same result.
#[test]
fn every_run_returns_the_same_type() {
    use openai_codex::{Result, Thread, TurnHandle, TurnResult};
    fn turn_result<F: Future<Output = Result<TurnResult>>>(_: F) {}
    // Never called; that it compiles is the test.
    let _ = |thread: Thread, turn: TurnHandle| {
        turn_result(thread.run(""));
        turn_result(thread.turn("").run());
        turn_result(turn.run());
    };
}

#[test]
fn the_client_and_its_futures_can_go_anywhere() {
    use openai_codex::{
        ChatgptLoginHandle, Codex, DeviceCodeLoginHandle, Notifications, Thread, TurnControl,
        TurnHandle, request,
    };
    fn shared<T: Send + Sync + 'static>() {}
    fn cloned<T: Clone + Send + Sync + 'static>() {}
    fn sent<T: Send>(_: T) {}
    cloned::<Codex>();
    cloned::<Thread>();
    cloned::<TurnControl>();
    shared::<TurnHandle>();
    shared::<Notifications>();
    shared::<ChatgptLoginHandle>();
    shared::<DeviceCodeLoginHandle>();
    cloned::<request::ThreadStart>();
    cloned::<request::ThreadResume>();
    cloned::<request::ThreadFork>();
    cloned::<request::ThreadList>();
    cloned::<request::ModelList>();
    cloned::<request::TurnStart>();
    // Never called; that it compiles is the test.
    let _ = |codex: Codex, thread: Thread, turn: TurnHandle, mut all: Notifications| {
        let control = turn.control();
        sent(Codex::start());
        sent(codex.request_raw("", ().into()));
        sent(codex.account());
        sent(codex.login_api_key(""));
        sent(codex.login_chatgpt());
        sent(codex.thread_archive(""));
        sent(codex.thread_unarchive(""));
        sent(codex.thread_start().into_future());
        sent(codex.thread_list().stream());
        sent(codex.models().into_future());
        sent(codex.close());
        sent(thread.run(""));
        sent(thread.turn("").run());
        sent(thread.turns());
        sent(thread.compact());
        sent(thread.set_name(""));
        sent(control.steer(""));
        sent(control.interrupt());
        sent(all.next());
        sent(turn.run());
    };
}
