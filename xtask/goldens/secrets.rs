/// `AmazonBedrockLoginAccountParams` of the protocol.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct AmazonBedrockLoginAccountParams {
    pub api_key: String,
    pub region: String,
    /// What the runtime sent beside these fields.
    pub unknown_fields: UnknownFields,
}
object!(AmazonBedrockLoginAccountParams {
    0 api_key "apiKey" required,
    1 region "region" required,
});
redacted_debug!(AmazonBedrockLoginAccountParams {
    api_key hide,
    region show,
});
