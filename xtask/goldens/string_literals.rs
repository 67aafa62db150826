/// Where a message stands in its turn.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessagePhase {
    /// Before the end.
    Commentary,
    /// `final_answer`.
    FinalAnswer,
    /// A value that this version does not know, as it came.
    Unrecognized(String),
}
string_enum!(MessagePhase {
    Commentary "commentary",
    FinalAnswer "final_answer",
});
