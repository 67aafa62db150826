/// `TurnStartParams` of the protocol.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnStartParams {
    pub output_schema: Option<Value>,
    pub thread_id: ThreadId,
    /// Fields that this version does not know: what the runtime sent beside these, and what is sent to it as it is.
    pub unknown_fields: UnknownFields,
}
object!(TurnStartParams {
    0 output_schema "outputSchema" optional,
    1 thread_id "threadId" required,
});
impl TurnStartParams {
    /// Creates it with what is required; the rest is absent.
    pub fn new(thread_id: impl Into<ThreadId>) -> Self {
        Self {
            output_schema: None,
            thread_id: thread_id.into(),
            unknown_fields: UnknownFields::default(),
        }
    }
}
setters!(TurnStartParams {
    /// Sets `outputSchema`.
    0 output_schema some (impl Into<Value>),
});
