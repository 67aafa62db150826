//! Approvals, budgets and pipes without async code.

use std::process::Stdio;

use codex_testkit::{Answer, Gate, Home, MockModel, Usage};
use openai_codex::approval::Decision;
use openai_codex::blocking::Codex;
use openai_codex::{ApprovalMode, Budget, CodexConfig, Error};

use super::Stage;
use crate::stage::{bounded, program};

/// Questions of the runtime are an iterator, read on another thread than the turn.
#[test]
fn approvals_are_an_iterator() {
    bounded(|| {
        let stage = Stage::new();
        let approvals = stage.codex.approvals().unwrap();
        let deciding = std::thread::spawn(move || {
            let mut decisions = [Decision::Accept, Decision::Decline].into_iter();
            approvals
                .map(|pending| {
                    let about = pending.approval().turn_id.clone();
                    pending.answer(decisions.next().unwrap()).unwrap();
                    about
                })
                .collect::<Vec<_>>()
        });
        let start = stage.codex.thread_start();
        let thread = start
            .approval_mode(ApprovalMode::UserReview)
            .send()
            .unwrap();
        let mut turns = Vec::new();
        for made in [true, false] {
            let name = format!("{made}.txt");
            let ask = Answer::exec_command(format!("touch {name}")).escalated("May I?");
            stage.model.push(ask).push(Answer::text("understood"));
            turns.push(thread.run("make it").unwrap().id);
            assert_eq!(stage.home.read(&name).is_some(), made);
        }
        stage.finish();
        // The iterator ends with the client.
        assert_eq!(deciding.join().unwrap(), *turns);
    });
}

/// Budgets, the latest thread and the running turn have their twins.
#[test]
fn a_turn_has_a_budget_and_is_found_again() {
    bounded(|| {
        let stage = Stage::new();
        let gate = Gate::new();
        let answer = Answer::text("done").usage(Usage::new(10, 1));
        stage.model.push(answer.clone()).push(answer.gate(&gate));
        let thread = stage.codex.thread_start().send().unwrap();
        let budget = Budget::new().tokens(1);
        match thread.turn("go").budget(budget).run() {
            Err(Error::BudgetExceeded(exceeded)) => assert_eq!(exceeded.result.text(), "done"),
            other => panic!("{other:?}"),
        }
        let latest = stage.codex.thread_resume_latest().send().unwrap();
        assert_eq!(latest.id(), thread.id());
        let turn = thread.turn("again").send().unwrap();
        gate.reached_blocking().unwrap();
        let busy = thread.turn("more").if_idle().send();
        assert!(matches!(busy, Err(Error::ThreadBusy { .. })), "{busy:?}");
        let running = latest.running().unwrap();
        assert_eq!(running.id(), turn.id());
        gate.open();
        assert_eq!(running.run().unwrap().text(), "done");
        assert_eq!(turn.run().unwrap().text(), "done");
        stage.finish();
    });
}

/// A runtime whose pipes the program holds is used over `std::io`; it has no process of this client.
#[test]
fn pipes_of_std_are_enough() {
    bounded(|| {
        let model = MockModel::start_blocking().unwrap();
        let home = Home::builder(&model).build().unwrap();
        let mut runtime = home
            .command(program())
            .arg("app-server")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (input, output) = (
            runtime.stdin.take().unwrap(),
            runtime.stdout.take().unwrap(),
        );
        model.push(Answer::text("over pipes"));
        let codex = Codex::connect(CodexConfig::new(), output, input).unwrap();
        assert_eq!(codex.process_id(), None);
        let thread = codex.thread_start().send().unwrap();
        assert_eq!(thread.run("go").unwrap().text(), "over pipes");
        codex.close().unwrap();
        assert!(runtime.wait().unwrap().success());
        let refused = Codex::connect(
            CodexConfig::new().env("A", "b"),
            std::io::empty(),
            Vec::new(),
        );
        assert!(
            matches!(refused, Err(Error::InvalidInput(_))),
            "{refused:?}"
        );
    });
}
