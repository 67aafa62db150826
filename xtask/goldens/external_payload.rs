/// Variant `amend` of [`Decision`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AmendDecision {
    pub rule: String,
    /// What the runtime sent beside these fields.
    pub unknown_fields: UnknownFields,
}
object!(AmendDecision {
    0 rule "rule" required,
});

/// `Decision` of the protocol.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Decision {
    /// `amend`.
    Amend(AmendDecision),
    /// What fits none of these, as raw JSON.
    Unrecognized(Unrecognized),
}
external!(Decision {
    Amend "amend" value,
});
