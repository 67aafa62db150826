//! The door of a builder: changes of its params that no setter offers.

use std::fmt;
use std::sync::Arc;

type Change<P> = Arc<dyn Fn(&mut P) + Send + Sync>;

/// Changes of params, applied last and in order.
pub(crate) struct Door<P> {
    changes: Vec<Change<P>>,
}

impl<P> Door<P> {
    /// Adds a change, which may move what it holds into the params: builders are cloned, so it is too.
    pub(crate) fn add(&mut self, change: impl FnOnce(&mut P) + Clone + Send + Sync + 'static) {
        self.changes
            .push(Arc::new(move |params| change.clone()(params)));
    }

    pub(crate) fn apply(&self, params: &mut P) {
        for change in &self.changes {
            change(params);
        }
    }
}

impl<P> Default for Door<P> {
    fn default() -> Self {
        Self {
            changes: Vec::new(),
        }
    }
}

impl<P> Clone for Door<P> {
    fn clone(&self) -> Self {
        Self {
            changes: self.changes.clone(),
        }
    }
}

impl<P> fmt::Debug for Door<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door")
            .field("changes", &self.changes.len())
            .finish()
    }
}
