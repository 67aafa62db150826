/// Payload of `item/delta`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DeltaNotification {
    pub name: String,
    pub thread_id: ThreadId,
    /// What the runtime sent beside these fields.
    pub unknown_fields: UnknownFields,
}
object!(DeltaNotification {
    0 name "name" required,
    1 thread_id "threadId" required,
});
