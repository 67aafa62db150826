/// `Content` of the protocol.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Content {
    /// `image`.
    Image(ImageContent),
    /// What fits none of these, as raw JSON.
    Unrecognized(Unrecognized),
}
tagged!(Content "type" {
    Image "image",
});

/// Variant `image` of [`Content`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ImageContent {
    pub file_id: Option<String>,
    pub url: Option<String>,
    /// What the runtime sent beside these fields.
    pub unknown_fields: UnknownFields,
}
object!(ImageContent {
    0 file_id "fileId" optional,
    1 url "url" optional,
});
