/// `ThreadListCwdFilter` of the protocol.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ThreadListCwdFilter {
    /// One folder.
    One(String),
    /// `Many`.
    Many(Vec<String>),
    /// What fits none of these, as raw JSON.
    Unrecognized(Unrecognized),
}
untagged!(ThreadListCwdFilter {
    One,
    Many,
});
