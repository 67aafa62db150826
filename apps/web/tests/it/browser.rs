//! A headless Chromium, driven by its driver; both end with the test.

use std::panic::AssertUnwindSafe;
use std::process::Stdio;
use std::time::Duration;

use fantoccini::{Client, ClientBuilder, Locator};
use futures_util::FutureExt as _;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::stage::within;

/// How long the page may take to show something.
const LIMIT: Duration = Duration::from_secs(20);

/// With these nothing leaves the machine.
const FLAGS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    // Whatever asks for another host finds none.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/// A browser with one window, and more on request.
pub(crate) struct Browser {
    client: Client,
}

/// The driver, and the folder with the browser's profile.
struct Driver {
    process: Child,
    url: String,
    profile: TempDir,
}

/// Runs a test in a browser, and ends the browser also where the test fails, which shows the page's text.
pub(crate) async fn in_browser(test: impl AsyncFnOnce(&Browser)) {
    let driver = Driver::start().await;
    let browser = driver.browser().await;
    let outcome = AssertUnwindSafe(test(&browser)).catch_unwind().await;
    if outcome.is_err() {
        println!("The page when the test failed:\n{}", browser.text().await);
    }
    // The driver is stopped also where the browser cannot be closed.
    let closed = tokio::time::timeout(LIMIT, browser.client.close()).await;
    driver.stop().await;
    match outcome {
        Ok(()) => closed.expect("the browser closes in time").unwrap(),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

impl Driver {
    async fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .env("TMPDIR", profile.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver is installed: apt-get install chromium chromium-driver");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = within(async {
            loop {
                let line = lines.next_line().await.unwrap().expect("the driver starts");
                if let Some((_, port)) = line.split_once("started successfully on port ") {
                    return port.trim_end_matches('.').to_owned();
                }
            }
        });
        let url = format!("http://127.0.0.1:{}", port.await);
        Self {
            process,
            url,
            profile,
        }
    }

    async fn browser(&self) -> Browser {
        let profile = self.profile.path().join("profile");
        let mut arguments: Vec<String> = FLAGS.iter().map(|&flag| flag.to_owned()).collect();
        arguments.push(format!("--user-data-dir={}", profile.display()));
        arguments.push("--window-size=1000,700".to_owned());
        let capabilities = json!({"goog:chromeOptions": {"args": arguments}});
        let capabilities = capabilities.as_object().unwrap().clone();
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        let client = within(builder.connect(&self.url)).await;
        Browser {
            client: client.expect("the browser starts"),
        }
    }

    /// Ends the driver, which ends a browser that it still has.
    async fn stop(mut self) {
        let asked = reqwest::get(format!("{}/shutdown", self.url));
        let _ = within(asked).await;
        within(self.process.wait()).await.unwrap();
    }
}

impl Browser {
    pub(crate) async fn open(&self, url: &str) {
        within(self.client.goto(url)).await.unwrap();
    }

    pub(crate) async fn reload(&self) {
        within(self.client.refresh()).await.unwrap();
    }

    pub(crate) async fn url(&self) -> String {
        within(self.client.current_url()).await.unwrap().to_string()
    }

    /// Opens another window and goes to it; returns the one before.
    pub(crate) async fn new_window(&self) -> Window {
        let before = within(self.client.window()).await.unwrap();
        let new = within(self.client.new_window(false)).await.unwrap();
        within(self.client.switch_to_window(new.handle))
            .await
            .unwrap();
        Window(before)
    }

    /// Goes to another window; returns the one before.
    pub(crate) async fn switch(&self, window: Window) -> Window {
        let before = within(self.client.window()).await.unwrap();
        within(self.client.switch_to_window(window.0))
            .await
            .unwrap();
        Window(before)
    }

    /// Types a message and sends it.
    pub(crate) async fn say(&self, text: &str) {
        let field = self.client.find(Locator::Css("#text"));
        let field = within(field).await.unwrap();
        within(field.send_keys(text)).await.unwrap();
        self.click("#send").await;
    }

    /// Waits for an element that can be seen, and clicks it.
    pub(crate) async fn click(&self, css: &str) {
        self.until(&format!("{css} can be seen"), VISIBLE, json!(css))
            .await;
        let element = within(self.client.find(Locator::Css(css))).await.unwrap();
        within(element.click()).await.unwrap();
    }

    /// Waits until an element that matches can be seen and has this text in it; returns its whole text.
    pub(crate) async fn shows(&self, css: &str, text: &str) -> String {
        let what = format!("{css} shows “{text}”");
        let found = self.until(&what, SHOWS, json!([css, text])).await;
        found.as_str().unwrap().to_owned()
    }

    /// Waits until no element that matches can be seen.
    pub(crate) async fn hides(&self, css: &str) {
        let script = "return document.querySelector(arguments[0])?.checkVisibility() ? null : true";
        self.until(&format!("{css} is hidden"), script, json!(css))
            .await;
    }

    /// Returns what the page shows.
    pub(crate) async fn text(&self) -> String {
        let script = "return location.href + '\\n' + document.body.innerText";
        let text = within(self.client.execute(script, Vec::new())).await;
        text.map_or_else(
            |error| error.to_string(),
            |text| text.as_str().unwrap_or_default().to_owned(),
        )
    }

    /// Runs a script; returns what it returns.
    pub(crate) async fn run(&self, script: &str) -> Value {
        within(self.client.execute(script, Vec::new()))
            .await
            .unwrap()
    }

    /// Makes the page so large.
    pub(crate) async fn resize(&self, width: u32, height: u32) {
        let sizes = self
            .run("return [outerWidth - innerWidth, outerHeight - innerHeight]")
            .await;
        let frame = |at: usize| u32::try_from(sizes[at].as_u64().unwrap()).unwrap();
        let (width, height) = (width + frame(0), height + frame(1));
        within(self.client.set_window_size(width, height))
            .await
            .unwrap();
    }

    pub(crate) async fn screenshot(&self) -> Vec<u8> {
        within(self.client.screenshot()).await.unwrap()
    }

    /// Waits until a script returns something else than null.
    async fn until(&self, what: &str, script: &str, argument: Value) -> Value {
        let waiting = async {
            loop {
                let found = self
                    .client
                    .execute(script, vec![argument.clone()])
                    .await
                    .unwrap();
                if !found.is_null() {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(LIMIT, waiting).await {
            Ok(found) => found,
            Err(_) => panic!("{what}: not within {LIMIT:?}"),
        }
    }
}

/// A window of the browser.
pub(crate) struct Window(fantoccini::wd::WindowHandle);

const VISIBLE: &str =
    "return document.querySelector(arguments[0])?.checkVisibility() ? true : null";

const SHOWS: &str = "const [css, text] = arguments[0]; \
                     const found = [...document.querySelectorAll(css)].find((element) => \
                     element.checkVisibility() && element.innerText.includes(text)); \
                     return found ? found.innerText : null";
