/// What the runtime asks its client.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ServerRequest {
    /// `item/requestApproval`: Asks for a decision.
    ItemRequestApproval(Box<ApprovalParams>),
    /// `patchApproval`.
    PatchApproval(Box<PatchParams>),
    /// A method that this version does not know, or whose params did not fit.
    Unknown(UnknownRequest),
}
#[doc(hidden)]
#[macro_export]
macro_rules! server_methods { ($then:ident) => { $then! {
    "item/requestApproval" ItemRequestApproval(ApprovalParams) => ApprovalResponse thread=direct turn=direct,
    "patchApproval" PatchApproval(PatchParams) => PatchResponse thread=conversation turn=none,
} } }
server_methods!(server_requests);
