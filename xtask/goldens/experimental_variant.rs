/// Variant `granular` of [`Policy`].
///
/// Experimental: it may change with any release of the runtime.
#[cfg(feature = "experimental")]
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Granular(pub String);
#[cfg(feature = "experimental")]
named_string!(Granular);

/// `Policy` of the protocol.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Policy {
    /// `never`.
    Never,
    /// `granular`.
    #[cfg(feature = "experimental")]
    Granular(Granular),
    /// What fits none of these, as raw JSON.
    Unrecognized(Unrecognized),
}
external!(Policy {
    Never "never" unit,
    #[cfg(feature = "experimental")] Granular "granular" value,
});
