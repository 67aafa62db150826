/// `Decision` of the protocol.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Decision {
    /// `accept`.
    Accept,
    /// `decline`.
    Decline,
    /// `amend`.
    Amend(Reason),
    /// What fits none of these, as raw JSON.
    Unrecognized(Unrecognized),
}
external!(Decision {
    Accept "accept" unit,
    Decline "decline" unit,
    Amend "amend" value,
});

/// Variant `amend` of [`Decision`].
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason(pub String);
named_string!(Reason);
