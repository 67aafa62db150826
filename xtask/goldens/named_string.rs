/// An absolute path.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AbsolutePathBuf(pub String);
named_string!(AbsolutePathBuf);
