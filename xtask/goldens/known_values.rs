/// `ThreadSource` of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ThreadSource {
    /// `user`.
    User,
    /// `subagent`.
    Subagent,
    /// `memory_consolidation`.
    MemoryConsolidation,
    /// A value that this version does not know, as it came.
    Unrecognized(String),
}
string_enum!(ThreadSource {
    User "user",
    Subagent "subagent",
    MemoryConsolidation "memory_consolidation",
});
