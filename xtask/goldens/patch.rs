/// `TurnSettingsUpdateParams` of the protocol.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TurnSettingsUpdateParams {
    pub model: Option<String>,
    pub service_tier: Option<Option<String>>,
    /// Fields that this version does not know: what the runtime sent beside these, and what is sent to it as it is.
    pub unknown_fields: UnknownFields,
}
object!(TurnSettingsUpdateParams {
    0 model "model" optional,
    1 service_tier "serviceTier" patch,
});
setters!(TurnSettingsUpdateParams {
    /// Sets `model`.
    0 model some (impl Into<String>),
    /// Sets `serviceTier`.
    1 service_tier some (impl Into<Option<String>>),
});
