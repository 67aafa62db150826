/// `TurnStartParams` of the protocol.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TurnStartParams {
    #[cfg(feature = "experimental")]
    pub novel: Option<bool>,
    /// What the runtime sent beside these fields.
    pub unknown_fields: UnknownFields,
}
object!(TurnStartParams {
    #[cfg(feature = "experimental")] 0 novel "novel" optional,
});
setters!(TurnStartParams {
    /// Sets `novel`.
    #[cfg(feature = "experimental")]
    0 novel some (impl Into<bool>),
});
