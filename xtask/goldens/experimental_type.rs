/// `Novel` of the protocol.
///
/// Experimental: it may change with any release of the runtime.
#[cfg(feature = "experimental")]
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Novel {
    pub id: String,
    /// What the runtime sent beside these fields.
    pub unknown_fields: UnknownFields,
}
#[cfg(feature = "experimental")]
object!(Novel {
    0 id "id" required,
});

/// `Old` of the protocol.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Old(pub String);
named_string!(Old);
