#[doc(hidden)]
#[macro_export]
macro_rules! client_methods { ($then:ident) => { $then! {
    "account/logout" AccountLogoutParams unit => LogoutAccountResponse,
    "model/list" ModelListParams object => ModelListResponse,
    #[cfg(feature = "experimental")] "model/watch" ModelWatchParams object => ModelWatchResponse,
} } }
client_methods!(client_requests);
