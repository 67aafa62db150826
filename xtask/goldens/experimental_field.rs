/// `TurnStartParams` of the protocol.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TurnStartParams {
    #[cfg(feature = "experimental")]
    pub novel: Option<bool>,
    /// Fields that this version does not know: what the runtime sent beside these, and what is sent to it as it is.
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
