/// Params of `account/logout`, which takes none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AccountLogoutParams;
unit!(AccountLogoutParams);
