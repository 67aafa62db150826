/// `Mode` of the protocol.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// `plain`.
    Plain,
    /// `novel`.
    #[cfg(feature = "experimental")]
    Novel,
    /// A value that this version does not know, as it came.
    Unrecognized(String),
}
string_enum!(Mode {
    Plain "plain",
    #[cfg(feature = "experimental")] Novel "novel",
});
