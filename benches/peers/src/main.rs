//! Measures other clients with the feeder of the package above: `peers measure "codex-codes FEED"`.
//!
//! `BENCH_FEEDER` names the binary that is the runtime; it prints what the harness reads.

use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

const FEED: &str = "CODEX_BENCH_FEED";
const THREAD: &str = "01a20682-6694-7c80-a20b-25b900000000";

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

struct Meter(Instant, u64);

impl Meter {
    fn start() -> Self {
        Self(Instant::now(), cpu_ns())
    }

    fn stop(self, received: u64) -> Value {
        json!({
            "events": received,
            "wall_ns": self.0.elapsed().as_nanos() as u64,
            "cpu_ns": cpu_ns() - self.1,
        })
    }
}

fn cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Outcome {
    let case = std::env::args().nth(2).ok_or("no case")?;
    let (peer, feed) = case.split_once(' ').ok_or("no feed")?;
    let feeder = std::env::var("BENCH_FEEDER")?;
    let sample = match peer {
        "codex-codes" => codex_codes(feeder, feed).await?,
        "codex-app-server-sdk" => codex_app_server_sdk(feeder, feed).await?,
        _ => return Err(format!("unknown peer {peer}").into()),
    };
    println!("{sample}");
    Ok(())
}

async fn codex_codes(feeder: String, feed: &str) -> Outcome<Value> {
    use codex_codes::{AppServerBuilder, AsyncClient, Error, Notification, ServerMessage};

    let mut command = AppServerBuilder::new()
        .command(feeder)
        .env(FEED, feed)
        .build_command()?;
    let mut client = AsyncClient::new(command.spawn()?)?;
    let _: Value = client.request("initialize", &json!({})).await?;
    let meter = Meter::start();
    let params = json!({"threadId": THREAD, "input": []});
    let _: Value = client.request("turn/start", &params).await?;
    let mut received = 0;
    loop {
        match client.next_message().await {
            Ok(Some(ServerMessage::Notification(Notification::TurnCompleted(turn))))
                if turn.thread_id == THREAD =>
            {
                break;
            }
            Ok(Some(message)) => drop(std::hint::black_box(message)),
            Ok(None) => return Err("the feeder has ended".into()),
            // A payload that its types do not know; the client goes on.
            Err(Error::Deserialization(_)) => {}
            Err(error) => return Err(error.into()),
        }
        received += 1;
    }
    Ok(meter.stop(received + 1))
}

async fn codex_app_server_sdk(feeder: String, feed: &str) -> Outcome<Value> {
    use codex_app_server_sdk::events::{ServerEvent, ServerNotification};
    use codex_app_server_sdk::requests::{ClientInfo, InitializeParams};
    use codex_app_server_sdk::{CodexClient, StdioConfig};
    use tokio::sync::broadcast::error::RecvError;

    let mut config = StdioConfig {
        codex_binary: feeder,
        env: std::env::vars().collect(),
        ..StdioConfig::default()
    };
    config.env.insert(FEED.into(), feed.into());
    let client = CodexClient::spawn_stdio(config).await?;
    client
        .initialize(InitializeParams::new(ClientInfo::new(
            "bench", "Bench", "0",
        )))
        .await?;
    client.initialized().await?;
    let mut events = client.subscribe();
    let meter = Meter::start();
    let params = json!({"threadId": THREAD, "input": []});
    client.send_raw_request("turn/start", params, None).await?;
    let mut received = 0;
    loop {
        match events.recv().await {
            Ok(ServerEvent::Notification(ServerNotification::TurnCompleted(turn)))
                if format!("{turn:?}").contains(THREAD) =>
            {
                break;
            }
            Ok(event) => {
                std::hint::black_box(event);
                received += 1;
            }
            // It drops what is not read in time; what it dropped, it did read.
            Err(RecvError::Lagged(missed)) => received += missed,
            Err(RecvError::Closed) => return Err("the client has ended".into()),
        }
    }
    // Its own process, which nothing else ends.
    let sample = meter.stop(received + 1);
    println!("{sample}");
    std::process::exit(0);
}
