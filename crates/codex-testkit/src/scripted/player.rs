//! Plays a script.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::time::Duration;

use serde_json::Value;

use super::ScriptedServer;
use super::call::Call;
use super::script::{Expected, Script, Step};
use super::subset::difference;
use crate::error::TestkitError;

/// What a script can do only where it is a process, or does differently there.
pub(super) trait Stage {
    /// Waits until the test opens the gate of this name.
    ///
    /// # Errors
    ///
    /// If the test does not.
    fn hold(&self, gate: &str) -> impl Future<Output = Result<(), TestkitError>> + Send;

    /// Resolves when the client has closed and the script must not wait on.
    fn cut_short(&self) -> impl Future<Output = ()> + Send;

    /// Does a step of a process.
    ///
    /// # Errors
    ///
    /// If this is no process.
    fn act(&self, act: Act<'_>) -> Result<(), TestkitError>;
}

/// A step of a process.
#[derive(Debug)]
pub(super) enum Act<'a> {
    CloseOutput,
    Stderr(&'a str),
    IgnoreSignals,
    IgnoreClosing,
    Linger(Duration),
    Exit(i32),
}

/// Plays `script` to its end.
pub(super) async fn play<S: Stage + Sync>(
    server: &mut ScriptedServer,
    stage: &S,
    script: &Script,
) -> Result<(), TestkitError> {
    let mut player = Player {
        server,
        stage,
        named: HashMap::new(),
        latest: None,
        asked: None,
    };
    match player.play(&script.steps).await? {
        ControlFlow::Continue(()) | ControlFlow::Break(()) => Ok(()),
    }
}

struct Player<'a, S> {
    server: &'a mut ScriptedServer,
    stage: &'a S,
    named: HashMap<String, Call>,
    latest: Option<Call>,
    asked: Option<i64>,
}

impl<S: Stage + Sync> Player<'_, S> {
    /// Plays steps in order; breaks off at `Exit`.
    async fn play(&mut self, steps: &[Step]) -> Result<ControlFlow<()>, TestkitError> {
        for step in steps {
            let flow = match step {
                Step::Repeat { times, steps } => self.repeat(*times, steps).await?,
                step => self.step(step).await?,
            };
            if flow.is_break() {
                return Ok(flow);
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    async fn repeat(
        &mut self,
        times: Option<u64>,
        steps: &[Step],
    ) -> Result<ControlFlow<()>, TestkitError> {
        let mut played = 0;
        while times.is_none_or(|times| played < times) {
            // Boxed, because steps may hold steps.
            match Box::pin(self.play(steps)).await {
                Ok(ControlFlow::Continue(())) => played += 1,
                // The client's closing is how an endless script ends.
                Err(TestkitError::Closed { .. }) if times.is_none() => {
                    return Ok(ControlFlow::Break(()));
                }
                ended => return ended,
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    async fn step(&mut self, step: &Step) -> Result<ControlFlow<()>, TestkitError> {
        match step {
            Step::Version(version) => {
                self.server.version(version);
            }
            Step::Handshake => {
                self.server.handshake().await?;
            }
            Step::Expect(expected) => {
                let call = self.server.expect(&expected.method).await?;
                self.keep(expected, call)?;
            }
            Step::Find(expected) => {
                let call = self.server.find(&expected.method).await?;
                self.keep(expected, call)?;
            }
            Step::Reply { to, result } => self.call(to.as_deref())?.reply(result.clone()),
            Step::Error { to, error } => self.call(to.as_deref())?.error_with(error.clone()),
            Step::Always { method, result } => {
                self.server.always(method, result.clone());
            }
            Step::Notify { method, params } => {
                self.server.notify(method, params.clone());
            }
            Step::Ask { method, params } => {
                self.asked = Some(self.server.ask(method, params.clone()));
            }
            Step::Answer(members) => self.answer(members).await?,
            Step::Send(message) => {
                self.server.send(message);
            }
            Step::Bytes(bytes) => {
                self.server.bytes(bytes.clone());
            }
            Step::SleepMs(length) => {
                let length = Duration::from_millis(*length);
                let sleep = tokio::time::sleep(length);
                unless_cut_short(self.stage, "the script's awakening", sleep).await?;
            }
            Step::Hold(gate) => {
                let hold = self.stage.hold(gate);
                unless_cut_short(self.stage, "the opening of the gate", hold).await??;
            }
            Step::Flushed => {
                let flush = self.server.flushed();
                unless_cut_short(self.stage, "the client's reading", flush).await??;
            }
            Step::CloseOutput => {
                let flush = self.server.flushed();
                unless_cut_short(self.stage, "the client's reading", flush).await??;
                self.server.close_output();
                self.stage.act(Act::CloseOutput)?;
            }
            Step::StopReading => {
                self.server.stop_reading();
            }
            Step::ResumeReading => {
                self.server.resume_reading();
            }
            Step::Closed => self.server.closed().await?,
            Step::Stderr(text) => self.stage.act(Act::Stderr(text))?,
            Step::IgnoreSignals => self.stage.act(Act::IgnoreSignals)?,
            Step::IgnoreClosing => self.stage.act(Act::IgnoreClosing)?,
            Step::LingerMs(length) => {
                self.stage
                    .act(Act::Linger(Duration::from_millis(*length)))?;
            }
            Step::Exit(code) => {
                self.server.flushed_before_the_end().await;
                self.server.close_output();
                self.stage.act(Act::Exit(*code))?;
                return Ok(ControlFlow::Break(()));
            }
            Step::Repeat { .. } => {}
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Checks a call's params and keeps it to be answered.
    fn keep(&mut self, expected: &Expected, call: Call) -> Result<(), TestkitError> {
        let method = &expected.method;
        if let Some(wanted) = &expected.params
            && let Some(difference) = difference(wanted, call.params())
        {
            return Err(TestkitError::unexpected(format!(
                "the params of {method} differ: {difference}"
            )));
        }
        if let Some(wanted) = &expected.exactly
            && wanted != call.params()
        {
            return Err(TestkitError::unexpected(format!(
                "the params of {method} are {}, not {wanted}",
                call.params()
            )));
        }
        if let Some(name) = &expected.name {
            self.named.insert(name.clone(), call.clone());
        }
        self.latest = Some(call);
        Ok(())
    }

    fn call(&self, name: Option<&str>) -> Result<&Call, TestkitError> {
        let call = match name {
            Some(name) => self.named.get(name),
            None => self.latest.as_ref(),
        };
        call.ok_or_else(|| {
            let name = name.unwrap_or("before this step");
            TestkitError::malformed(format!(
                "the script answers a call it did not expect: {name}"
            ))
        })
    }

    async fn answer(&mut self, members: &Value) -> Result<(), TestkitError> {
        let id = self.asked.ok_or_else(|| {
            TestkitError::malformed("the script awaits an answer, but asked nothing")
        })?;
        let answer = self.server.answer(id).await?;
        match difference(members, &answer) {
            None => Ok(()),
            Some(difference) => Err(TestkitError::unexpected(format!(
                "the answer to request {id} differs: {difference}"
            ))),
        }
    }
}

/// Awaits `work`, unless the client closes and that ends the script.
async fn unless_cut_short<S: Stage, T>(
    stage: &S,
    awaited: &str,
    work: impl Future<Output = T>,
) -> Result<T, TestkitError> {
    // Work that is done counts; dropping it half done only skips what it waited for.
    tokio::select! {
        biased;
        done = work => Ok(done),
        () = stage.cut_short() => Err(TestkitError::Closed { awaited: awaited.to_owned() }),
    }
}
