/// `Item` of the protocol.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Item {
    /// `plan`.
    Plan(PlanItem),
    /// What fits none of these, as raw JSON.
    Unrecognized(Unrecognized),
}
tagged!(Item "type" {
    Plan "plan",
});

/// Variant `plan` of [`Item`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PlanItem {
    pub started_at_ms: Option<i64>,
    /// What the runtime sent beside these fields.
    pub unknown_fields: UnknownFields,
}
object!(PlanItem {
    0 started_at_ms "startedAtMs" optional,
});
