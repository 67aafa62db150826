//! The blocking client without a runtime.

use openai_codex::Error;
use openai_codex::blocking::Codex;

#[test]
fn a_start_without_a_runtime_is_an_error() {
    let config = openai_codex::CodexConfig::new().codex_bin("/nonexistent/codex");
    let error = Codex::start_with(config).unwrap_err();
    assert!(matches!(error, Error::Runtime(_)), "{error:?}");
}
