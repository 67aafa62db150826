/// `FindParams` of the protocol.
///
/// Since runtime 0.1.0 or earlier.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FindParams {
    /// Whether to look into folders.
    ///
    /// Since runtime 0.2.0.
    pub deep: Option<bool>,
    pub text: Option<String>,
    /// Fields that this version does not know: what the runtime sent beside these, and what is sent to it as it is.
    pub unknown_fields: UnknownFields,
}
object!(FindParams {
    0 deep "deep" optional @ (1, 1),
    1 text "text" optional,
});
setters!(FindParams {
    /// Sets `deep`: Whether to look into folders.
    0 deep some (impl Into<bool>),
    /// Sets `text`.
    1 text some (impl Into<String>),
});
