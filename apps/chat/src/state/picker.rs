//! A list to choose from.

/// What a row of a picker does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Thread(String),
    Model(String),
    Effort(String),
}

/// A list to choose from with the arrows.
#[derive(Debug)]
pub(crate) struct Picker {
    pub(crate) title: String,
    pub(crate) rows: Vec<Row>,
    pub(crate) selected: usize,
}

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) label: String,
    pub(crate) detail: String,
    pub(crate) choice: Choice,
}

impl Picker {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            rows: Vec::new(),
            selected: 0,
        }
    }

    /// Adds a row; the one that is current is selected.
    pub(crate) fn row(
        mut self,
        label: impl Into<String>,
        detail: impl Into<String>,
        choice: Choice,
        is_current: bool,
    ) -> Self {
        if is_current {
            self.selected = self.rows.len();
        }
        self.rows.push(Row {
            label: label.into(),
            detail: detail.into(),
            choice,
        });
        self
    }

    /// Moves the selection, and stops at the ends.
    pub(crate) fn step(&mut self, by: isize) {
        let last = self.rows.len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(by).min(last);
    }

    pub(crate) fn choice(&self) -> Option<&Choice> {
        self.rows.get(self.selected).map(|row| &row.choice)
    }
}
