//! A way to a server that can be cut.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::error::TestkitError;

/// A TCP proxy on loopback whose connections can be cut, held up and refused: a network that fails.
///
/// ```
/// use codex_testkit::{MockModel, Proxy};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), codex_testkit::TestkitError> {
/// let model = MockModel::start().await?;
/// let proxy = Proxy::start(model.port()).await?;
/// assert_ne!(proxy.port(), model.port());
/// proxy.cut();
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    target: u16,
    refuses: AtomicBool,
    /// How many bytes from the server pass before its connection is cut; `u64::MAX` is no limit.
    budget: AtomicU64,
    accepted: AtomicU64,
    /// Replaced by each cut; the old one ends the connections that have it.
    cut: Mutex<watch::Sender<()>>,
    silent: watch::Sender<bool>,
}

impl Proxy {
    /// Starts a proxy to a port on loopback.
    ///
    /// # Errors
    ///
    /// [`TestkitError::Io`] if it cannot listen.
    pub async fn start(target: u16) -> Result<Self, TestkitError> {
        let failed = TestkitError::io("start a proxy");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let (listener, address) = listener
            .and_then(|listener| listener.local_addr().map(|address| (listener, address)))
            .map_err(failed)?;
        let state = Arc::new(State {
            target,
            refuses: AtomicBool::new(false),
            budget: AtomicU64::new(u64::MAX),
            accepted: AtomicU64::new(0),
            cut: Mutex::new(watch::Sender::new(())),
            silent: watch::Sender::new(false),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state)));
        Ok(Self {
            port: address.port(),
            state,
            accepting,
        })
    }

    /// Returns the port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns how many connections it has taken.
    pub fn connections(&self) -> u64 {
        self.state.accepted.load(Ordering::Relaxed)
    }

    /// Cuts all connections, without a word to either end.
    pub fn cut(&self) {
        self.state.cut();
    }

    /// Cuts all connections once so many more bytes from the server have passed, also within a message.
    pub fn cut_after(&self, bytes: u64) {
        self.state.budget.store(bytes, Ordering::Relaxed);
    }

    /// Refuses new connections, or takes them again.
    pub fn refuse(&self, refuses: bool) {
        self.state.refuses.store(refuses, Ordering::Relaxed);
    }

    /// Passes nothing on, or passes on again what has waited: a network without an end of the connection.
    pub fn silence(&self, silent: bool) {
        self.state.silent.send_replace(silent);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.state.cut();
    }
}

impl State {
    fn cut(&self) {
        *self.cut.lock().unwrap_or_else(PoisonError::into_inner) = watch::Sender::new(());
    }

    fn until_cut(&self) -> watch::Receiver<()> {
        let cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        cut.subscribe()
    }

    /// Takes bytes from the budget; returns how many may pass, and whether the connections are to be cut then.
    fn spend(&self, bytes: usize) -> (usize, bool) {
        let wanted = bytes as u64;
        let spend = |left: u64| match left {
            u64::MAX => None,
            left => Some(if left <= wanted {
                u64::MAX
            } else {
                left - wanted
            }),
        };
        match self
            .budget
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend)
        {
            Ok(left) if left <= wanted => (usize::try_from(left).unwrap_or(bytes), true),
            _ => (bytes, false),
        }
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        if state.refuses.load(Ordering::Relaxed) {
            continue;
        }
        state.accepted.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(serve(client, Arc::clone(&state)));
    }
}

async fn serve(client: TcpStream, state: Arc<State>) {
    let mut cut = state.until_cut();
    let target = SocketAddr::from((Ipv4Addr::LOCALHOST, state.target));
    let Ok(server) = TcpStream::connect(target).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // The first to end ends both, and drops the sockets.
    tokio::select! {
        _ = cut.changed() => {}
        () = copy(from_client, to_server, &state, false) => {}
        () = copy(from_server, to_client, &state, true) => {}
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: &State, counts: bool) {
    let mut silent = state.silent.subscribe();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(read) = from.read(&mut buffer).await else {
            return;
        };
        if silent.wait_for(|silent| !silent).await.is_err() || read == 0 {
            return;
        }
        let (passes, cut) = if counts {
            state.spend(read)
        } else {
            (read, false)
        };
        if to.write_all(&buffer[..passes]).await.is_err() {
            return;
        }
        if cut {
            return state.cut();
        }
    }
}
