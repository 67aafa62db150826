/// A request of the runtime to its client.
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
    "item/requestApproval" ItemRequestApproval(ApprovalParams) => ApprovalResponse,
    "patchApproval" PatchApproval(PatchParams) => PatchResponse,
} } }
server_methods!(server_requests);

server_routes! {
    ItemRequestApproval thread=direct turn=direct,
    PatchApproval thread=conversation turn=none,
}
