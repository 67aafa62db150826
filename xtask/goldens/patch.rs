/// `TurnSettingsUpdateParams` of the protocol.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TurnSettingsUpdateParams {
    pub model: Option<String>,
    pub service_tier: Option<Option<String>>,
    /// What the runtime sent beside these fields.
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
