//! The program under test: its pseudo-terminal, and what stands on its screen.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use codex_testkit::{Answer, Home, HomeBuilder, MockModel};
use portable_pty::{Child, CommandBuilder, MasterPty, NativePtySystem, PtySize, PtySystem};

/// How long a wait lasts at most.
const LIMIT: Duration = Duration::from_secs(60);
pub(crate) const ENTER: &str = "\r";
pub(crate) const ESCAPE: &str = "\u{1b}";
pub(crate) const UP: &str = "\u{1b}[A";
pub(crate) const DOWN: &str = "\u{1b}[B";
pub(crate) const PAGE_UP: &str = "\u{1b}[5~";
pub(crate) const CTRL_C: &str = "\u{3}";
pub(crate) const CTRL_D: &str = "\u{4}";
pub(crate) const CTRL_O: &str = "\u{f}";
pub(crate) const TAB: &str = "\t";

/// A terminal with the program in it. Dropping it kills the program.
pub(crate) struct Terminal {
    parser: Arc<Mutex<vt100::Parser>>,
    changes: Receiver<()>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    modes: Option<u64>,
}

impl Terminal {
    /// Starts the program.
    pub(crate) fn start(command: CommandBuilder, rows: u16, cols: u16) -> Self {
        let size = PtySize {
            rows,
            cols,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = NativePtySystem::default().openpty(size).unwrap();
        let modes = modes(pair.master.as_ref());
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut output = pair.master.try_clone_reader().unwrap();
        let keys = pair.master.take_writer().unwrap();
        let parser = Arc::new(Mutex::new(vt100::Parser::new(
            rows.try_into().unwrap(),
            cols.try_into().unwrap(),
            0,
        )));
        let (changed, changes) = channel();
        let screen = Arc::clone(&parser);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // A terminal without a program is at its end, or an error.
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                screen.lock().unwrap().process(&bytes[..count]);
                if changed.send(()).is_err() {
                    return;
                }
            }
        });
        Self {
            parser,
            changes,
            keys,
            child,
            master: pair.master,
            modes,
        }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Types a line and sends it.
    pub(crate) fn say(&mut self, text: &str) {
        self.press(text);
        self.sees(text);
        self.press(ENTER);
    }

    /// Returns the rows of the screen.
    pub(crate) fn text(&self) -> String {
        let parser = self.parser.lock().unwrap();
        let (_, width) = size(parser.screen());
        let rows: Vec<_> = parser.screen().rows(0, width).collect();
        rows.join("\n")
    }

    /// Reads the screen.
    pub(crate) fn with_screen<T>(&self, read: impl FnOnce(&vt100::Screen) -> T) -> T {
        read(self.parser.lock().unwrap().screen())
    }

    /// Waits until the screen has a text.
    #[track_caller]
    pub(crate) fn sees(&self, text: &str) {
        self.waits(text, |screen| screen.contains(text));
    }

    /// Waits until the screen has each of these texts.
    #[track_caller]
    pub(crate) fn sees_all(&self, texts: &[&str]) {
        self.waits(&texts.join(" + "), |screen| {
            texts.iter().all(|text| screen.contains(text))
        });
    }

    /// Waits until the screen no longer has a text.
    #[track_caller]
    pub(crate) fn sees_no(&self, text: &str) {
        self.waits(&format!("no {text}"), |screen| !screen.contains(text));
    }

    /// Waits until nothing runs.
    #[track_caller]
    pub(crate) fn is_idle(&self) {
        self.waits("idle", |screen| {
            let status = screen.lines().last().unwrap_or_default();
            status.starts_with(" idle")
        });
    }

    /// Waits for something on the screen; prints the screen if it does not come.
    #[track_caller]
    pub(crate) fn waits(&self, awaited: &str, is_there: impl Fn(&str) -> bool) {
        let end = Instant::now() + LIMIT;
        loop {
            let text = self.text();
            if is_there(&text) {
                return;
            }
            let left = end.saturating_duration_since(Instant::now());
            let why = match self.changes.recv_timeout(left) {
                Ok(()) => continue,
                Err(RecvTimeoutError::Timeout) => format!("within {LIMIT:?}"),
                Err(RecvTimeoutError::Disconnected) if is_there(&self.text()) => return,
                Err(RecvTimeoutError::Disconnected) => "before the program ended".to_owned(),
            };
            panic!("not seen {why}: {awaited}\n{}", self.text());
        }
    }

    /// Waits until the program has ended; returns whether that was a success.
    #[track_caller]
    pub(crate) fn ends(&mut self) -> bool {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            assert!(Instant::now() < end, "the program runs on\n{}", self.text());
            // The child of a pseudo-terminal cannot be awaited with a limit.
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asserts that the terminal is as it was before the program started.
    #[track_caller]
    pub(crate) fn is_given_back(&self) {
        self.waits_for_end_of_output();
        self.with_screen(|screen| {
            assert!(!screen.alternate_screen(), "on the other screen");
            assert!(!screen.hide_cursor(), "the cursor is hidden");
            assert!(!screen.bracketed_paste(), "pastes are bracketed");
        });
        assert_eq!(modes(self.master.as_ref()), self.modes);
    }

    fn waits_for_end_of_output(&self) {
        let end = Instant::now() + LIMIT;
        while self
            .changes
            .recv_timeout(end.saturating_duration_since(Instant::now()))
            .is_ok()
        {}
        assert!(
            Instant::now() < end,
            "the terminal is held open\n{}",
            self.text()
        );
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.child.process_id().unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the rows and columns of a screen.
pub(crate) fn size(screen: &vt100::Screen) -> (u16, u16) {
    let (rows, cols) = screen.size();
    (rows.get(), cols.get())
}

/// Lists the cells of a screen.
pub(crate) fn cells(screen: &vt100::Screen) -> impl Iterator<Item = &vt100::Cell> {
    let (rows, cols) = size(screen);
    let places = (0..rows).flat_map(move |row| (0..cols).map(move |col| (row, col)));
    places.filter_map(|(row, col)| screen.cell(row, col))
}

/// Reads the modes of a terminal: whether it echoes, and gives lines.
fn modes(master: &dyn MasterPty) -> Option<u64> {
    let modes = master.get_termios()?;
    #[allow(clippy::useless_conversion, reason = "the width depends on the system")]
    Some(u64::from(modes.local_flags.bits()))
}

/// A model, a home, and the program in a terminal. It is dropped in this order: the program first.
pub(crate) struct Chat {
    pub(crate) terminal: Terminal,
    pub(crate) home: Home,
    pub(crate) model: MockModel,
}

impl Chat {
    /// Starts the program, and waits until it has a thread.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::with(|home| home, arguments)
    }

    pub(crate) fn with(
        change: impl FnOnce(HomeBuilder) -> HomeBuilder,
        arguments: &[&str],
    ) -> Self {
        let chat = Self::begin(change, arguments);
        chat.terminal.is_idle();
        chat
    }

    /// Starts the program, and waits for nothing.
    pub(crate) fn begin(
        change: impl FnOnce(HomeBuilder) -> HomeBuilder,
        arguments: &[&str],
    ) -> Self {
        let model = MockModel::start_blocking().unwrap();
        let home = change(Home::builder(&model)).build().unwrap();
        let command = command(&home, &model, arguments);
        let terminal = Terminal::start(command, 40, 100);
        Self {
            terminal,
            home,
            model,
        }
    }

    /// Starts the program again in the same home.
    pub(crate) fn again(&mut self, arguments: &[&str]) {
        let command = command(&self.home, &self.model, arguments);
        self.terminal = Terminal::start(command, 40, 100);
        self.terminal.is_idle();
    }

    /// Sends a message that is answered with a text, and waits for both.
    #[track_caller]
    pub(crate) fn talks(&mut self, message: &str, answer: &str) {
        self.model.push(Answer::text(answer));
        self.terminal.say(message);
        self.terminal.sees(answer);
        self.terminal.is_idle();
    }

    /// Leaves, and asserts that all went well: every answer was asked for, no other host than the model was, the
    /// terminal is given back, and nothing runs any more.
    #[track_caller]
    pub(crate) fn finish(mut self) {
        self.terminal.press("/quit\r");
        self.is_gone();
        self.model.assert_exhausted();
        self.asked_nobody_else();
    }

    /// Asserts that the program ends well, and leaves nothing behind.
    #[track_caller]
    pub(crate) fn is_gone(&mut self) {
        assert!(self.terminal.ends(), "it failed\n{}", self.terminal.text());
        self.terminal.is_given_back();
        self.no_process_is_left();
    }

    /// Asserts that no host but the model was asked.
    #[track_caller]
    pub(crate) fn asked_nobody_else(&self) {
        let foreign = self.model.foreign_requests().into_iter();
        let foreign: Vec<_> = foreign.map(|request| request.summary()).collect();
        assert_eq!(foreign, [""; 0]);
    }

    /// Waits until no process works in the home any more.
    #[track_caller]
    pub(crate) fn no_process_is_left(&self) {
        let end = Instant::now() + LIMIT;
        while !processes(self.home.root()).is_empty() {
            assert!(
                Instant::now() < end,
                "left: {:?}",
                processes(self.home.root())
            );
            // Nothing tells of the end of a stranger's process.
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Lists the processes that work below a folder, on systems that tell.
pub(crate) fn processes(folder: &Path) -> Vec<u32> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let working = all.filter(|process| {
        let cwd = std::fs::read_link(process.path().join("cwd"));
        cwd.is_ok_and(|cwd| cwd.starts_with(folder))
    });
    working
        .filter_map(|process| process.file_name().to_str()?.parse().ok())
        .collect()
}

/// Makes the command of the program, in the environment of a home. Whatever the runtime asks of another host comes
/// to the model, as to a proxy, and is seen.
fn command(home: &Home, model: &MockModel, arguments: &[&str]) -> CommandBuilder {
    let mut command = bare_command();
    for name in home.env_remove() {
        command.env_remove(name);
    }
    for (name, value) in home.env() {
        command.env(name, value);
    }
    for (name, value) in model.proxy_env() {
        command.env(name, value);
    }
    command.cwd(home.workspace());
    command.arg("--codex-bin");
    command.arg(program());
    command.args(arguments);
    command
}

/// Makes the command of the program, in the environment of this process.
pub(crate) fn bare_command() -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_codex-chat"));
    command.env("TERM", "xterm-256color");
    command.env("RUST_BACKTRACE", "0");
    command
}

/// The runtime that a variable names, else the pinned one; the first test to ask installs it, if it must.
fn program() -> OsString {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
        let named = std::env::var_os("OPENAI_CODEX_TEST_RUNTIME").map(PathBuf::from);
        named.unwrap_or_else(|| {
            let runtime = openai_codex::runtime::install().unwrap();
            runtime.program().to_owned()
        })
    });
    PROGRAM.clone().into()
}
