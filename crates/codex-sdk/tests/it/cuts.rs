//! Random traffic over a connection that is cut at random points: what a consumer sees is what it would have seen.
//!
//! The runtime is a server that behaves as the real one does when a connection is lost: turns go on, a thread that is
//! resumed has its open requests sent again, a half-written message is in no history, and a declined command is in
//! none either and never completes after a loss.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use codex_testkit::Proxy;
use openai_codex::approval::{Approval, Decision};
use openai_codex::remote::{Reconnect, Remote};
use openai_codex::types::{ThreadItem, TurnStatus};
use openai_codex::{ApprovalMode, Codex, CodexConfig, Notification, Result};
use tokio::net::TcpListener;
use tokio::sync::watch;

mod server;

use server::{Random, Server, Step, steps};

/// What a consumer adds up of a turn.
#[derive(Debug, Default)]
struct Seen {
    started: Vec<String>,
    completed: Vec<ThreadItem>,
    texts: BTreeMap<(String, i64), String>,
    turn_started: usize,
    turn_completed: usize,
    usage: Vec<i64>,
}

impl Seen {
    fn take(&mut self, event: Notification) {
        match event {
            Notification::TurnStarted(_) => self.turn_started += 1,
            Notification::TurnCompleted(completed) => {
                assert_eq!(completed.turn.status, TurnStatus::Completed);
                self.turn_completed += 1;
            }
            Notification::ItemStarted(started) => {
                self.started.push(started.item.id().unwrap().into());
            }
            Notification::ItemCompleted(completed) => self.completed.push(completed.item),
            Notification::ItemAgentMessageDelta(delta) => self.add(&delta.item_id, 0, &delta.delta),
            Notification::ItemCommandExecutionOutputDelta(delta) => {
                self.add(&delta.item_id, 0, &delta.delta);
            }
            Notification::ItemReasoningSummaryTextDelta(delta) => {
                self.add(&delta.item_id, delta.summary_index, &delta.delta);
            }
            Notification::ThreadTokenUsageUpdated(usage) => {
                self.usage.push(usage.token_usage.total.total_tokens);
            }
            other => panic!("{other:?}"),
        }
    }

    fn add(&mut self, item: &str, part: i64, delta: &str) {
        assert!(
            self.started.iter().any(|started| started == item),
            "{item} has not started"
        );
        assert!(
            !self.completed.iter().any(|done| done.id() == Some(item)),
            "{item} is complete"
        );
        self.texts
            .entry((item.into(), part))
            .or_default()
            .push_str(delta);
    }

    fn check(&self, turn: &str, steps: &[Step], usage: i64, context: &str) {
        assert_eq!(
            (self.turn_started, self.turn_completed),
            (1, 1),
            "{context}"
        );
        let mut ids = vec![format!("{turn}-user")];
        ids.extend((0..steps.len()).map(|number| format!("{turn}-{number}")));
        // Of a command that was declined and whose start was missed, the runtime has nothing at all.
        let is_declined = |id: &String| {
            let number = id
                .rsplit('-')
                .next()
                .and_then(|number| number.parse::<usize>().ok());
            let step = number.map(|number| &steps[number]);
            matches!(
                step,
                Some(Step::Command {
                    asked: Some(false),
                    ..
                })
            )
        };
        ids.retain(|id| !is_declined(id) || self.started.contains(id));
        assert_eq!(self.started, ids, "{context}");
        let mut completed: Vec<&str> = self.completed.iter().filter_map(ThreadItem::id).collect();
        // A command that the runtime has forgotten is ended with its turn.
        completed.sort_unstable_by_key(|id| ids.iter().position(|known| known == id));
        assert_eq!(completed, ids, "{context}");
        assert_eq!(
            self.usage.last(),
            Some(&usage),
            "{context}: {:?}",
            self.usage
        );
        assert!(
            self.usage.is_sorted_by(|a, b| a < b),
            "{context}: {:?}",
            self.usage
        );
        for item in &self.completed {
            let id = item.id().unwrap();
            let text = |part| {
                self.texts
                    .get(&(id.to_owned(), part))
                    .cloned()
                    .unwrap_or_default()
            };
            match item {
                ThreadItem::AgentMessage(message) => assert_eq!(text(0), message.text, "{context}"),
                ThreadItem::Reasoning(reasoning) => {
                    for (part, whole) in (0..).zip(&reasoning.summary) {
                        assert_eq!(&text(part), whole, "{context}");
                    }
                }
                ThreadItem::CommandExecution(command) => {
                    let whole = command.aggregated_output.clone().unwrap_or_default();
                    let number: usize = id.rsplit('-').next().unwrap().parse().unwrap();
                    let Step::Command { output, asked } = &steps[number] else {
                        panic!("{context}: {id} is no command");
                    };
                    if *asked == Some(false) {
                        assert_eq!(command.status.as_str(), "declined", "{context}");
                    } else {
                        assert_eq!(whole, output.concat(), "{context}");
                        let later = output[1..].concat();
                        assert!(
                            text(0) == whole || text(0) == later,
                            "{context}: {:?}",
                            text(0)
                        );
                    }
                }
                _ => {}
            }
        }
    }
}

async fn run(seed: u64) -> Result<u64> {
    let mut random = Random(seed);
    for _ in 0..8 {
        random.next();
    }
    let programs: Vec<Vec<Step>> = (0..random.below(3) + 1)
        .map(|_| steps(&mut random))
        .collect();
    let context = format!("seed {seed}, {programs:?}");
    let server = Server {
        state: Arc::default(),
        changed: watch::Sender::new(0),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let queue = Arc::new(Mutex::new(programs.clone()));
    let accepting = {
        let (server, mut random) = (server.clone(), random.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let random = Random(random.next());
                tokio::spawn(server.clone().serve(stream, random, Arc::clone(&queue)));
            }
        })
    };
    let proxy = Arc::new(Proxy::start(port).await.unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let wanted = programs.clone();
    let config = CodexConfig::new().on_approval({
        let (asked, random) = (Arc::clone(&asked), Mutex::new(random.clone()));
        move |ask: Approval| {
            asked.lock().unwrap().push(ask.key.clone());
            let (turn, number) = ask.item_id.rsplit_once('-').unwrap();
            let turn: usize = turn.trim_start_matches("tu").parse().unwrap();
            let step = &wanted[turn][number.parse::<usize>().unwrap()];
            let accepts = matches!(
                step,
                Step::Command {
                    asked: Some(true),
                    ..
                }
            );
            let wait = random.lock().unwrap().below(5);
            async move {
                tokio::time::sleep(Duration::from_millis(wait)).await;
                if accepts {
                    Decision::Accept
                } else {
                    Decision::Decline
                }
            }
        }
    });
    let quick = Duration::from_millis(1);
    let policy = Reconnect::new().pauses(quick, quick);
    let remote =
        Remote::ws(format!("ws://127.0.0.1:{port}", port = proxy.port())).reconnect(policy);
    let codex = Codex::attach_with(config, remote).await?;
    let thread = codex
        .thread_start()
        .approval_mode(ApprovalMode::UserReview)
        .await?;
    let cutting = {
        let (proxy, mut random) = (Arc::clone(&proxy), random.clone());
        tokio::spawn(async move {
            // A network that is cut for ever lets nobody take anything up.
            for _ in 0..30 {
                proxy.cut_after(random.below(8000));
                tokio::time::sleep(Duration::from_millis(random.below(40))).await;
                if random.below(3) == 0 {
                    proxy.cut();
                }
            }
        })
    };
    let mut usage = 0;
    for (number, steps) in programs.iter().enumerate() {
        let mut turn = thread.turn("Go.").await?;
        let mut seen = Seen::default();
        while let Some(event) = turn.next().await {
            seen.take(event?);
        }
        let result = turn.run().await?;
        usage += 10 * steps.len() as i64;
        seen.check(&format!("tu{number}"), steps, usage, &context);
        let total = result.usage.map(|usage| usage.total.total_tokens);
        assert_eq!(total, Some(usage), "{context}");
        // Each question is asked once.
        let mut keys = asked.lock().unwrap().clone();
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), all, "{context}");
    }
    cutting.abort();
    codex.close().await?;
    let state = server.state.lock().unwrap();
    assert!(
        state.prompts.values().all(|count| *count == 1),
        "{context}: {:?}",
        state.prompts
    );
    assert_eq!(state.prompts.len(), programs.len(), "{context}");
    accepting.abort();
    Ok(state.losses)
}

/// `OPENAI_CODEX_CUT_SEEDS` has more of them run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_seen_over_a_connection_that_is_cut_is_what_was_sent() {
    let seeds = std::env::var("OPENAI_CODEX_CUT_SEEDS").ok();
    let seeds: u64 = seeds.and_then(|seeds| seeds.parse().ok()).unwrap_or(30);
    let mut losses = 0;
    for seed in 0..seeds {
        let outcome = tokio::time::timeout(Duration::from_secs(30), run(seed)).await;
        let outcome = outcome.unwrap_or_else(|_| panic!("seed {seed} hangs"));
        losses += outcome.unwrap_or_else(|error| panic!("seed {seed}: {error} ({error:?})"));
    }
    assert!(losses > seeds, "only {losses} connections were lost");
}
