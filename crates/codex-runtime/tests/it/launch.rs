//! The environment and arguments that a started process sees.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use codex_runtime::{Environment, Error, Launch, Locator, Runtime};

use crate::packages::Package;
use crate::support::{Machine, bounded, write_script};

fn parent() -> Environment {
    Environment::unix([
        ("PATH", "/usr/bin:/bin"),
        ("HOME", "/home/u"),
        ("OPENAI_API_KEY", "secret"),
    ])
}

fn args(launch: &Launch) -> Vec<String> {
    let plan = launch.plan(&parent()).unwrap();
    let args = plan.args().iter();
    args.map(|arg| arg.to_str().unwrap().to_owned()).collect()
}

/// The pinned runtime, and the same program named explicitly.
fn pinned_and_named() -> (Machine, Runtime, Runtime) {
    let machine = Machine::with_package(&Package::complete().pack());
    let pinned = machine.installer().install().unwrap();
    let named = Locator::new().explicit(pinned.program()).locate().unwrap();
    (machine, pinned, named)
}

#[test]
fn the_command_line_has_the_overrides_in_order() {
    let (_machine, runtime, _) = pinned_and_named();
    let launch = Launch::new(&runtime);
    assert_eq!(args(&launch), ["app-server", "--listen", "stdio://"]);
    let launch = launch.config("model", "\"gpt\"").config("a.b", "[1, 2]");
    assert_eq!(
        args(&launch),
        [
            "--config",
            "model=\"gpt\"",
            "--config",
            "a.b=[1, 2]",
            "app-server",
            "--listen",
            "stdio://",
        ]
    );
    let plan = launch.plan(&parent()).unwrap();
    assert_eq!(plan.program(), runtime.program());
    assert_eq!(plan.cwd(), None);
}

#[test]
fn a_command_line_given_as_a_whole_is_used_verbatim() {
    let launch = Launch::command_line(["ssh", "host", "--config", "x"]).config("a", "1");
    let plan = launch.plan(&parent()).unwrap();
    assert_eq!(plan.program(), "ssh");
    assert_eq!(plan.args(), ["host", "--config", "x"]);
    assert_eq!(*plan.environment(), parent());
}

/// The folder of helpers is for the pinned runtime alone.
#[test]
fn only_the_pinned_runtime_gets_its_helpers_on_path() {
    let (_machine, pinned, named) = pinned_and_named();
    let path = |launch: Launch| {
        let plan = launch.plan(&parent()).unwrap();
        plan.environment()
            .get("PATH")
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    };
    let helpers = pinned.path_dir().unwrap().display().to_string();
    assert_eq!(
        path(Launch::new(&pinned)),
        format!("{helpers}:/usr/bin:/bin")
    );
    assert_eq!(path(Launch::new(&named)), "/usr/bin:/bin");
    let argv = [pinned.program()];
    assert_eq!(path(Launch::command_line(argv)), "/usr/bin:/bin");
    let launch = Launch::new(&pinned).env("PATH", format!("/mine:{helpers}"));
    assert_eq!(path(launch), format!("{helpers}:/mine"));
    assert_eq!(path(Launch::new(&pinned).env_clear()), helpers);

    let windows = Environment::windows([("Path", r"C:\Windows"), ("PATH", "dropped")]);
    let plan = Launch::command_line(["x"])
        .env("pAtH", r"C:\mine")
        .plan(&windows)
        .unwrap();
    let all: Vec<_> = plan.environment().iter().collect();
    assert_eq!(all, [("Path".as_ref(), r"C:\mine".as_ref())]);
}

#[test]
fn the_environment_is_inherited_or_cleared_then_changed() {
    let launch = Launch::command_line(["x"]);
    let environment = |launch: &Launch| {
        let plan = launch.plan(&parent()).unwrap();
        let vars = plan.environment().iter();
        let mut all: Vec<_> = vars
            .map(|(k, v)| format!("{}={}", k.to_str().unwrap(), v.to_str().unwrap()))
            .collect();
        all.sort();
        all
    };
    let changed = launch
        .clone()
        .env("A", "1")
        .env("HOME", "/h")
        .env_remove("OPENAI_API_KEY");
    assert_eq!(
        environment(&changed),
        ["A=1", "HOME=/h", "PATH=/usr/bin:/bin"]
    );
    assert_eq!(
        environment(&changed.clone().env_clear()),
        ["A=1", "HOME=/h"]
    );
    assert_eq!(
        environment(&launch.clone().env_clear().env("B", "2")),
        ["B=2"]
    );
    assert_eq!(
        environment(&launch.clone().env_clear().env("B", "2").env_remove("B")),
        [""; 0]
    );
    assert_eq!(
        environment(&launch.env_clear().env_remove("B").env("B", "3")),
        ["B=3"]
    );
}

/// What a Codex sets for its processes tells of that Codex; what its user sets is for all.
#[test]
fn the_environment_of_an_outer_codex_is_not_inherited() {
    let outer = [
        ("CODEX_CI", "1"),
        ("CODEX_INTERNAL_ORIGINATOR_OVERRIDE", "outer"),
        ("CODEX_SANDBOX", "seatbelt"),
        ("CODEX_SANDBOX_NETWORK_DISABLED", "1"),
        ("CODEX_SESSION_ID", "s"),
        ("CODEX_THREAD_ID", "t"),
        ("CODEX_TOOL_CALL_ID", "c"),
        ("CODEX_VERSION", "0.1.0"),
        ("CODEX_NETWORK_PROXY_ACTIVE", "1"),
        ("CODEX_MANAGED_BY_NPM", "1"),
        ("__CODEX_SNAPSHOT_PROXY_OVERRIDE", "1"),
    ];
    let own = [
        ("CODEX_HOME", "/h"),
        ("CODEX_API_KEY", "k"),
        ("CODEX_CA_CERTIFICATE", "/c"),
        ("CODEX_SQLITE_HOME", "/s"),
        ("PATH", "/bin"),
    ];
    let launch = Launch::command_line(["x"]);
    let parent = Environment::unix(outer.into_iter().chain(own));
    let plan = launch.plan(&parent).unwrap();
    assert_eq!(*plan.environment(), Environment::unix(own));
    for (name, _) in outer {
        let plan = launch.clone().env(name, "mine").plan(&parent).unwrap();
        assert_eq!(plan.environment().get(name), Some("mine".as_ref()));
        assert_eq!(plan.environment().iter().count(), own.len() + 1);
    }
    let windows = Environment::windows([("codex_sandbox", "1"), ("Path", "p")]);
    let plan = launch.plan(&windows).unwrap();
    assert_eq!(*plan.environment(), Environment::windows([("Path", "p")]));
}

#[test]
fn what_cannot_be_passed_on_is_refused() {
    let (_machine, runtime, _) = pinned_and_named();
    let runtime = || Launch::new(&runtime);
    for (launch, reason) in [
        (Launch::command_line([""; 0]), "names no program"),
        (Launch::command_line(["", "x"]), "names no program"),
        (runtime().config("", "1"), "\"\" is not a configuration key"),
        (runtime().config("a=b", "1"), "is not a configuration key"),
        (runtime().config("a\nb", "1"), "is not a configuration key"),
        (runtime().config("a", "1\nb = 2"), "\"a\" is not one line"),
        (
            runtime().env("", "1"),
            "not a name for an environment variable",
        ),
        (
            runtime().env("A=B", "1"),
            "not a name for an environment variable",
        ),
        (
            runtime().env_remove("A\0B"),
            "not a name for an environment variable",
        ),
        (
            runtime().env("A", "1\0"),
            "the value of the environment variable \"A\" has a NUL",
        ),
        (runtime().cwd(""), "\"\" is not a working folder"),
        (runtime().cwd("/a\0b"), "\"/a\\0b\" is not a working folder"),
        (
            Launch::command_line(["a\0b"]),
            "the program of the command line has a NUL",
        ),
        (
            Launch::command_line(["a", "b", "c\0"]),
            "argument 2 of the command line has a NUL",
        ),
    ] {
        for error in [
            launch.plan(&parent()).unwrap_err(),
            launch.check().unwrap_err(),
        ] {
            assert!(matches!(error, Error::InvalidLaunch { .. }), "{error}");
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
}

#[test]
fn secrets_are_not_in_debug_output() {
    let launch = Launch::command_line(["x"])
        .env("TOKEN", "hunter22")
        .config("k", "hunter23");
    let plan = launch.plan(&parent()).unwrap();
    for text in [
        format!("{launch:?}"),
        format!("{plan:?}"),
        format!("{:?}", parent()),
    ] {
        assert!(
            !text.contains("hunter") && !text.contains("secret"),
            "{text}"
        );
    }
    assert!(format!("{launch:?}").contains("TOKEN"));
    assert!(format!("{plan:?}").contains("OPENAI_API_KEY"));
}

#[test]
fn a_started_process_sees_all_of_it() {
    let machine = Machine::with_package(&Package::complete().pack());
    let program = machine.dir().join("codex");
    write_script(
        &program,
        "#!/bin/sh\nread line\necho \"$line\"; echo \"$@\"; pwd; echo \"$A-$OPENAI_API_KEY-$HOME\"\n\
         [ \"$(ps -o pgid= -p $$ | tr -d ' ')\" = $$ ] && echo group\necho said >&2\n",
    );
    let cwd = fs::canonicalize(machine.dir()).unwrap().join("work");
    fs::create_dir(&cwd).unwrap();
    let runtime = Locator::new().explicit(&program).locate().unwrap();
    let launch = Launch::new(&runtime)
        .config("x", "'y'")
        .cwd(&cwd)
        .env("A", "\u{1f980}")
        .env_remove("OPENAI_API_KEY");
    let mut child = launch
        .plan(&parent())
        .unwrap()
        .to_command()
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all("grüße\n".as_bytes())
        .unwrap();
    let output = bounded(|| child.wait_with_output().unwrap());
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        format!(
            "grüße\n--config x='y' app-server --listen stdio://\n{}\n\u{1f980}--/home/u\ngroup\n",
            cwd.display()
        )
    );
    assert_eq!(output.stderr, b"said\n");
}

#[test]
fn a_relative_path_is_resolved_before_the_folder_changes() {
    let runtime = Locator::new().explicit("src/../Cargo.toml").locate();
    assert!(matches!(runtime, Err(Error::MissingProgram { .. })));
    let here = std::env::current_dir().unwrap();
    let sh = Path::new("/bin/sh");
    let mut relative = std::path::PathBuf::new();
    relative.extend(here.ancestors().skip(1).map(|_| ".."));
    relative.push(sh.strip_prefix("/").unwrap());
    let runtime = Locator::new().explicit(&relative).locate().unwrap();
    assert!(runtime.program().is_absolute());
    let launch =
        Launch::command_line([runtime.program().as_os_str(), "-c".as_ref(), "pwd".as_ref()]);
    let mut child = launch.cwd("/").to_command().unwrap().spawn().unwrap();
    let mut out = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut out)
        .unwrap();
    child.wait().unwrap();
    assert_eq!(out, "/\n");
}
