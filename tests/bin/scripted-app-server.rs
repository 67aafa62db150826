//! Plays `codex app-server` from a script; see `codex_testkit::ScriptedProcess`.

fn main() {
    codex_testkit::scripted_main()
}
