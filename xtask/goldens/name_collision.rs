/// `McpServerElicitationRequestParams` of the protocol.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum McpServerElicitationRequestParams {
    /// `openai/form`.
    OpenaiSlashForm(OpenaiSlashFormMcpServerElicitationRequestParams),
    /// `openaiForm`.
    OpenaiForm(OpenaiFormMcpServerElicitationRequestParams),
    /// What fits none of these, as raw JSON.
    Unrecognized(Unrecognized),
}
tagged!(McpServerElicitationRequestParams "mode" {
    OpenaiSlashForm "openai/form",
    OpenaiForm "openaiForm",
});
