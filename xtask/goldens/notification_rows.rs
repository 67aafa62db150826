/// A notification of the runtime.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ServerNotification {
    /// `item/delta`.
    ItemDelta(DeltaNotification),
    /// `turn/completed`.
    TurnCompleted(TurnNotification),
    /// `warning`.
    Warning(WarningNotification),
    /// A method that this version does not know, or whose params did not fit.
    Unknown(UnknownNotification),
}
#[doc(hidden)]
#[macro_export]
macro_rules! notification_methods { ($then:ident) => { $then! {
    "item/delta" ItemDelta(DeltaNotification) thread=direct turn=direct,
    "turn/completed" TurnCompleted(TurnNotification) thread=none turn=nested,
    "warning" Warning(WarningNotification) thread=optional turn=none,
} } }
notification_methods!(notifications);
