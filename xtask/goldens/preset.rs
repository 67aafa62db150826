/// `SearchParams` of the protocol.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchParams {
    pub recursive: bool,
    /// Fields that this version does not know: what the runtime sent beside these, and what is sent to it as it is.
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
