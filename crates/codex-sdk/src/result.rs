//! Stub.
#[derive(Debug)]
/// Stub.
pub struct TurnFailure;
impl TurnFailure {
    pub(crate) fn is_retryable(&self) -> bool {
        false
    }
}
impl std::fmt::Display for TurnFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("")
    }
}
