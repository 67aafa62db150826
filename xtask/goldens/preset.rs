/// `SearchParams` of the protocol.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchParams {
    pub recursive: bool,
    /// What the runtime sent beside these fields.
    pub unknown_fields: UnknownFields,
}
object!(SearchParams {
    0 recursive "recursive" preset(true),
});
impl Default for SearchParams {
    fn default() -> Self {
        Self {
            recursive: true,
            unknown_fields: UnknownFields::default(),
        }
    }
}
setters!(SearchParams {
    /// Sets `recursive`.
    0 recursive default (impl Into<bool>),
});
