/// `Target` of the protocol.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Target {
    /// `uncommittedChanges`.
    UncommittedChanges(UncommittedChangesTarget),
    /// What fits none of these, as raw JSON.
    Unrecognized(Unrecognized),
}
tagged!(Target "type" {
    UncommittedChanges "uncommittedChanges",
});
impl Target {
    /// Makes the variant `uncommittedChanges`, which holds nothing.
    pub fn uncommitted_changes() -> Self {
        Self::UncommittedChanges(UncommittedChangesTarget::default())
    }
}

/// Variant `uncommittedChanges` of [`Target`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UncommittedChangesTarget {
    /// Fields that this version does not know: what the runtime sent beside these, and what is sent to it as it is.
    pub unknown_fields: UnknownFields,
}
object!(UncommittedChangesTarget {
});
