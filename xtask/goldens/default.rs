/// `SearchParams` of the protocol.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchParams {
    pub offset: i64,
    pub roots: Vec<String>,
    /// What the runtime sent beside these fields.
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
