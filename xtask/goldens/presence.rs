/// `Thread` of the protocol.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Thread {
    pub id: ThreadId,
    pub preview: Option<String>,
    /// Null where there is none.
    pub project_id: Option<String>,
    pub turn_count: Option<u64>,
    /// What the runtime sent beside these fields.
    pub unknown_fields: UnknownFields,
}
object!(Thread {
    0 id "id" required,
    1 preview "preview" optional,
    2 project_id "projectId" nullable,
    3 turn_count "turnCount" optional,
});
