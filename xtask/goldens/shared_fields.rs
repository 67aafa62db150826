impl Item {
    /// `id`, which every known variant has; of an unrecognized one it is read from the raw JSON.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Plan(value) => Some(value.id.as_str()),
            Self::Review(value) => Some(value.id.as_str()),
            Self::Unrecognized(value) => value.text("id"),
        }
    }
}
