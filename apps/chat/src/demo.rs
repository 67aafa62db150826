//! The demo: a scripted model on this machine, in a folder of its own.

use std::time::Duration;

use codex_testkit::{Answer, Home, MockModel, Request, Usage};
use openai_codex::Sandbox;

use crate::session::Options;

pub(crate) const GREETING: &str = "**This is a demo**: the model is a script, so it needs no account and no network. \
It knows what to do when a message has one of these words: `hello`, `fix`, `run`, `long`. The runtime, its sandbox \
and what you see here are real, in a folder that goes when you leave.";

const HELLO: &str = "# Hello!\n\nI am a **scripted** model, so I say this to everybody. I can show you\n\n\
- *Markdown* as it comes, with `code`,\n- commands and changes of files, which you **decide** about,\n\
- and what `/help` lists.\n\n```rust\nfn main() {\n    println!(\"Hello from a code block\");\n}\n```\n\n\
| say | and see |\n|---|---|\n| `fix` | a change of a file |\n| `run` | a command that needs your approval |\n\
| `long` | an answer to interrupt with Ctrl-C |\n";

const PATCH: &str = "*** Begin Patch\n*** Update File: greet.sh\n@@\n #!/bin/sh\n-echo \"Helo, $1\"\n\
+name=${1:-world}\n+echo \"Hello, $name!\"\n*** End Patch";

const PATCH_AGAIN: &str =
    "*** Begin Patch\n*** Add File: NOTES.md\n+# Notes\n+\n+The greeting is fixed.\n*** End Patch";

const SCRIPT: &str = "#!/bin/sh\necho \"Helo, $1\"\n";

/// The scripted model, and the home of its runtime, which is removed at the end.
#[derive(Debug)]
pub(crate) struct Demo {
    home: Home,
    /// It answers for as long as it is here.
    _model: MockModel,
}

impl Demo {
    /// Installs the pinned runtime if it is missing and none is named, and sets the script up.
    ///
    /// # Errors
    ///
    /// If there is no runtime and none can be installed, or folders cannot be made.
    pub(crate) fn new(is_named: bool) -> anyhow::Result<Self> {
        if !is_named {
            openai_codex::runtime::install()?;
        }
        let model = MockModel::start_blocking()?;
        script(&model);
        let home = Home::builder(&model)
            .file("README.md", "# Demo\n\nA tiny project.\n")
            .file("greet.sh", SCRIPT)
            .build()?;
        Ok(Self {
            home,
            _model: model,
        })
    }

    /// Makes the client one of the demo.
    pub(crate) fn change(&self, options: &mut Options) {
        // The runtime would warn in every turn that it does not know the scripted model.
        let config = options.config.clone().isolated(&self.home);
        options.config = config.opt_out_notification("warning");
        options.folder = Some(self.home.workspace().to_owned());
        options.sandbox.get_or_insert(Sandbox::WorkspaceWrite);
    }
}

/// Scripts what the model says, by the words of the last message.
fn script(model: &MockModel) {
    // What it says about what it has done comes first: the message is still the last one then.
    let outputs = |request: &Request| outputs_since_message(request);
    let after = move |count: usize, word: &'static str| {
        move |request: &Request| outputs(request) >= count && says(request, word)
    };
    model.when(after(2, "fix")).always(words(
        "The greeting is **fixed**: `greet.sh` now says *Hello*, and greets the world where it is told no name.",
    ));
    model.when(after(1, "fix")).always(
        words("Now I try it out.")
            .phase("commentary")
            .and(
                Answer::exec_command("sh greet.sh; sh greet.sh Ada")
                    .escalated("May I try the script outside of the sandbox?"),
            )
            .usage(Usage::new(1450, 60).cached(1200)),
    );
    model
        .when(after(1, "run"))
        .always(words("That is what the command says."));
    let fix = |patch: &str| {
        Answer::reasoning("**Looking for the mistake**\n\nThe greeting lacks an `l`, and nobody is greeted without a name.")
            .and(words("I found a typing mistake in `greet.sh`, which I correct:").phase("commentary"))
            .and(Answer::apply_patch(patch))
            .usage(Usage::new(1200, 140).reasoning(40))
    };
    let fixes = model.when(|request| says(request, "fix"));
    fixes.push(fix(PATCH));
    fixes.always(fix(PATCH_AGAIN));
    model.when(|request| says(request, "run")).always(
        Answer::exec_command("for i in 1 2 3; do echo \"step $i\"; sleep 1; done")
            .escalated("May I count to three outside of the sandbox?"),
    );
    let long: Vec<String> = (1..=400).map(|number| format!("{number} ")).collect();
    let long = Answer::deltas(long).delta_delay(Duration::from_millis(100));
    model.when(|request| says(request, "long")).always(long);
    model
        .when(|request| says(request, "hello"))
        .always(words(HELLO));
    model.default_answer(words(
        "I got that, but my script has nothing about it. Say `hello`, `fix`, `run` or `long`, or try `/help`.",
    ));
}

/// Whether the last message of the user has a word.
fn says(request: &Request, word: &str) -> bool {
    let text = request.last_user_text().unwrap_or_default().to_lowercase();
    text.split(|c: char| !c.is_alphanumeric())
        .any(|part| part == word)
}

/// Counts the outputs of tools that came after the last message of the user.
fn outputs_since_message(request: &Request) -> usize {
    let input = request.input().iter().rev();
    let since = input.take_while(|item| item["role"] != "user");
    since
        .filter(|item| item["type"] == "function_call_output")
        .count()
}

/// An answer that comes word by word, as a model writes.
fn words(text: &str) -> Answer {
    Answer::deltas(text.split_inclusive(' ')).delta_delay(Duration::from_millis(12))
}
