/// `SearchParams` of the protocol.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchParams {
    pub offset: i64,
    pub roots: Vec<String>,
    /// Fields that this version does not know: what the runtime sent beside these, and what is sent to it as it is.
    pub unknown_fields: UnknownFields,
}
object!(SearchParams {
    0 offset "offset" default,
    1 roots "roots" default,
});
setters!(SearchParams {
    /// Sets `offset`.
    0 offset default (impl Into<i64>),
    /// Sets `roots`.
    1 roots default (impl Into<Vec<String>>),
});
