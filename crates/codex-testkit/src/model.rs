//! The scripted model: the Responses API on the loopback.

mod answer;
mod http;
mod part;
mod plan;
mod queue;
mod request;
mod usage;

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};

pub use self::answer::Answer;
pub use self::request::{FunctionCallOutput, Request};
pub use self::usage::Usage;

use self::part::Ids;
use self::queue::Answers;
use crate::error::TestkitError;
use crate::limit::{DEFAULT_LIMIT, blocking, limited};

/// Plays the model: the Responses API on a loopback port, with scripted answers.
///
/// A request takes its answer from the first [rule](Self::when) that matches
/// and has one, else from the [queue](Self::push), else the
/// [default](Self::default_answer). With none of them it gets status 500 and
/// stands in [`unexpected`](Self::unexpected).
///
/// The server runs in a thread of its own, so that it also answers when the
/// test's thread is blocked. It stops when the handle is dropped.
///
/// ```
/// use codex_testkit::{Answer, MockModel};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), codex_testkit::TestkitError> {
/// let model = MockModel::start().await?;
/// model.push(Answer::text("hello"));
/// model.when(|request| request.last_user_text() == Some("weather?"))
///     .push(Answer::text("sunny"));
/// // … point the runtime at `model.base_url()`; `Home` does it.
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MockModel {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Dropped with the handle; the server ends then.
    _stop: oneshot::Sender<Infallible>,
}

/// What the handle and the server share.
#[derive(Debug, Default)]
struct Shared {
    ids: Ids,
    state: Mutex<State>,
    responses: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct State {
    answers: Answers,
    pages: Vec<Page>,
    requests: Vec<Request>,
    unexpected: Vec<Request>,
    /// The gates that nobody opened in time.
    forgotten: Vec<String>,
}

#[derive(Debug)]
struct Page {
    path: String,
    status: u16,
    body: Value,
}

impl MockModel {
    /// Starts a model server on a free loopback port.
    ///
    /// # Errors
    ///
    /// [`TestkitError::Io`] if no port or no thread can be had.
    pub async fn start() -> Result<Self, TestkitError> {
        Self::start_blocking()
    }

    /// Starts a model server, outside of async code.
    ///
    /// # Errors
    ///
    /// [`TestkitError::Io`] if no port or no thread can be had.
    pub fn start_blocking() -> Result<Self, TestkitError> {
        let failed = || TestkitError::io("start the model server");
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed())?;
        listener.set_nonblocking(true).map_err(failed())?;
        let address = listener.local_addr().map_err(failed())?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed())?;
        let shared = Arc::new(Shared::default());
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("codex-testkit-model".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
                        http::serve(listener, served, stopped).await;
                    }
                });
            })
            .map_err(failed())?;
        Ok(Self {
            address,
            shared,
            _stop: stop,
        })
    }

    /// Returns the base URL for a model provider: `http://127.0.0.1:PORT/v1`.
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.origin())
    }

    /// Returns the server's origin: `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Queues an answer for the next request that no rule answers.
    ///
    /// The reviewer of an escalated command asks the same endpoint: where a thread's approvals are
    /// reviewed, give it answers of its own with [`when_reviewer`](Self::when_reviewer), or it takes
    /// the next one here.
    pub fn push(&self, answer: Answer) -> &Self {
        self.shared.lock().answers.push(answer);
        self
    }

    /// Queues several answers.
    pub fn extend(&self, answers: impl IntoIterator<Item = Answer>) -> &Self {
        for answer in answers {
            self.push(answer);
        }
        self
    }

    /// Answers every request that nothing else answers, for ever.
    pub fn default_answer(&self, answer: Answer) -> &Self {
        self.shared.lock().answers.set_default(answer);
        self
    }

    /// Makes a rule for the requests that `matches` accepts.
    ///
    /// Rules are asked in the order they were made; one without answers left is
    /// passed over. `matches` must not call back into this model.
    pub fn when(&self, matches: impl Fn(&Request) -> bool + Send + 'static) -> Rule {
        let rule = self.shared.lock().answers.add_rule(Box::new(matches));
        Rule {
            shared: Arc::clone(&self.shared),
            rule,
        }
    }

    /// Makes a rule for the requests of the automatic approval reviewer.
    pub fn when_reviewer(&self) -> Rule {
        self.when(Request::is_reviewer)
    }

    /// Answers requests for `path` other than the model's with this JSON.
    ///
    /// Unless set, `/v1/models` is a list without entries, and any other path
    /// an empty object with status 404. The last page set for a path wins.
    pub fn page(&self, path: impl Into<String>, status: u16, body: Value) -> &Self {
        self.shared.lock().pages.push(Page {
            path: path.into(),
            status,
            body,
        });
        self
    }

    /// Returns every request so far, in the order they came.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.lock().requests.clone()
    }

    /// Returns the model requests so far, those of the reviewer among them.
    pub fn responses_requests(&self) -> Vec<Request> {
        let mut requests = self.requests();
        requests.retain(Request::is_response);
        requests
    }

    /// Returns the requests that were meant for other hosts, which come here from a program with
    /// [`proxy_env`](Self::proxy_env).
    pub fn foreign_requests(&self) -> Vec<Request> {
        let own = format!("127.0.0.1:{}", self.port());
        let mut requests = self.requests();
        requests.retain(|request| {
            request.method == "CONNECT" || request.header("host") != Some(own.as_str())
        });
        requests
    }

    /// Lists variables of the environment that make this server the proxy of a program for every host but
    /// `127.0.0.1`: what it asks of another one goes nowhere, and is among the
    /// [`foreign_requests`](Self::foreign_requests).
    ///
    /// ```
    /// use codex_testkit::{Home, MockModel};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let model = MockModel::start_blocking()?;
    /// let home = Home::new(&model)?;
    /// let mut runtime = home.command("codex");
    /// runtime.envs(model.proxy_env());
    /// // Run it; then:
    /// assert!(model.foreign_requests().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn proxy_env(&self) -> [(&'static str, String); 8] {
        let here = || self.origin();
        let direct = || "127.0.0.1".to_owned();
        [
            ("http_proxy", here()),
            ("HTTP_PROXY", here()),
            ("https_proxy", here()),
            ("HTTPS_PROXY", here()),
            ("all_proxy", here()),
            ("ALL_PROXY", here()),
            ("no_proxy", direct()),
            ("NO_PROXY", direct()),
        ]
    }

    /// Returns the model requests that found no answer.
    pub fn unexpected(&self) -> Vec<Request> {
        self.shared.lock().unexpected.clone()
    }

    /// Counts the queued answers that nothing has asked for.
    pub fn answers_left(&self) -> usize {
        self.shared.lock().answers.left()
    }

    /// Waits until `count` model requests have come, for 30 seconds at most,
    /// and returns the model requests so far.
    ///
    /// # Errors
    ///
    /// [`TestkitError::TimedOut`] if fewer came.
    pub async fn wait_for_requests(&self, count: usize) -> Result<Vec<Request>, TestkitError> {
        self.wait_for_requests_within(count, DEFAULT_LIMIT).await
    }

    /// Waits until `count` model requests have come, for `limit` at most.
    ///
    /// # Errors
    ///
    /// [`TestkitError::TimedOut`] if fewer came.
    pub async fn wait_for_requests_within(
        &self,
        count: usize,
        limit: Duration,
    ) -> Result<Vec<Request>, TestkitError> {
        let mut seen = self.shared.responses.subscribe();
        let awaited = || {
            let came = self.responses_requests().len();
            format!("model request {count} (there were {came})")
        };
        limited(limit, awaited, async {
            let _ = seen.wait_for(|seen| *seen >= count).await;
        })
        .await?;
        Ok(self.responses_requests())
    }

    /// Waits as [`wait_for_requests`](Self::wait_for_requests), outside of async code.
    ///
    /// # Errors
    ///
    /// [`TestkitError::TimedOut`] if fewer came.
    ///
    /// # Panics
    ///
    /// Inside of async code.
    pub fn wait_for_requests_blocking(&self, count: usize) -> Result<Vec<Request>, TestkitError> {
        blocking(self.wait_for_requests(count))
    }

    /// Checks that every request found an answer, every answer a request, and
    /// every gate someone who opened it.
    ///
    /// # Errors
    ///
    /// [`TestkitError::Unexpected`] with the requests that found none, the gates
    /// that stayed closed, or the number of answers left.
    pub fn check_exhausted(&self) -> Result<(), TestkitError> {
        let state = self.shared.lock();
        let mut faults: Vec<String> = state
            .unexpected
            .iter()
            .map(|request| format!("no answer was scripted for {}", request.summary()))
            .collect();
        faults.extend(state.forgotten.iter().cloned());
        match state.answers.left() {
            0 => {}
            left => faults.push(format!("{left} scripted answers were never asked for")),
        }
        if faults.is_empty() {
            return Ok(());
        }
        let asked = state
            .requests
            .iter()
            .filter(|request| request.is_response());
        let asked: Vec<String> = asked.map(Request::summary).collect();
        Err(TestkitError::unexpected(format!(
            "{}; the model was asked: [{}]",
            faults.join("; "),
            asked.join("; ")
        )))
    }

    /// Asserts what [`check_exhausted`](Self::check_exhausted) checks.
    ///
    /// # Panics
    ///
    /// If a request found no answer, an answer no request, or a gate nobody who opened it.
    #[track_caller]
    #[expect(clippy::panic, reason = "an assertion for tests")]
    pub fn assert_exhausted(&self) {
        if let Err(error) = self.check_exhausted() {
            panic!("{error}");
        }
    }
}

/// Takes the answers for the requests that match; made by [`MockModel::when`].
#[derive(Clone, Debug)]
pub struct Rule {
    shared: Arc<Shared>,
    rule: usize,
}

impl Rule {
    /// Queues an answer for the next request that matches.
    pub fn push(&self, answer: Answer) -> &Self {
        self.shared.lock().answers.push_to(self.rule, answer);
        self
    }

    /// Answers every request that matches once the queue is empty, for ever.
    pub fn always(&self, answer: Answer) -> &Self {
        self.shared.lock().answers.set_always(self.rule, answer);
        self
    }
}

impl Shared {
    /// Locks the state. A poisoned lock is used on: a predicate that panicked
    /// changed nothing.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a model request and takes its answer, or says what is wrong.
    fn answer(&self, request: Request) -> Result<Answer, String> {
        let mut state = self.lock();
        let answer = state.answers.take(&request);
        let text = format!("no answer was scripted for {}", request.summary());
        if answer.is_none() {
            state.unexpected.push(request.clone());
        }
        state.requests.push(request);
        drop(state);
        self.responses.send_modify(|count| *count += 1);
        answer.ok_or(text)
    }

    /// Records that a gate was not opened; returns what that is told as.
    fn forget(&self, error: &TestkitError) -> String {
        let text = error.to_string();
        self.lock().forgotten.push(text.clone());
        text
    }

    /// Records any other request and returns its page.
    fn page(&self, request: Request) -> (u16, Value) {
        let mut state = self.lock();
        let found = state
            .pages
            .iter()
            .rev()
            .find(|page| page.path == request.path);
        let page = match found {
            Some(page) => (page.status, page.body.clone()),
            None if request.path == "/v1/models" => {
                (200, json!({"data": [], "models": [], "object": "list"}))
            }
            None => (404, json!({})),
        };
        state.requests.push(request);
        page
    }
}
