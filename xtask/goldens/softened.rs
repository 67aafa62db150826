/// `Asked` of the protocol.
///
/// Since runtime 0.1.0 or earlier.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Asked {
    /// Since runtime 0.2.0.
    pub names: Vec<String>,
    /// Since runtime 0.2.0.
    pub place: Option<Place>,
    /// What the runtime sent beside these fields.
    pub unknown_fields: UnknownFields,
}
object!(Asked {
    0 names "names" default,
    1 place "place" optional,
});

/// `place` of [`Asked`].
///
/// Since runtime 0.2.0.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Place {
    /// What the runtime sent beside these fields.
    pub unknown_fields: UnknownFields,
}
object!(Place {
});
