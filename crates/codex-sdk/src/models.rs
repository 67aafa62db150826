//! The models that a thread can be started with.

use std::future::IntoFuture;

use codex_types::{ModelListParams, ModelListResponse};

use crate::client::Codex;
use crate::door::Door;
use crate::error::Result;
use crate::pages::{Models, Pending};

/// Lists the models that a thread can be started with, `model/list`; made by [`Codex::models`].
///
/// Awaited, it is one page; [`stream`](ModelList::stream) goes through all of them.
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// for model in codex.models().include_hidden(true).await?.data {
///     println!("{}", model.id);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`Codex::request`].
#[derive(Clone, Debug)]
#[must_use = "models are listed when this is awaited, streamed or sent"]
pub struct ModelList<C = Codex> {
    pub(crate) client: C,
    params: ModelListParams,
    door: Door<ModelListParams>,
}

impl<C> ModelList<C> {
    pub(crate) fn new(client: C) -> Self {
        Self {
            client,
            params: ModelListParams::default(),
            door: Door::default(),
        }
    }

    /// Makes it a builder of another kind of client.
    #[cfg(feature = "blocking")]
    pub(crate) fn on<D>(self, client: impl FnOnce(C) -> D) -> ModelList<D> {
        ModelList {
            client: client(self.client),
            params: self.params,
            door: self.door,
        }
    }

    /// Changes the params that are sent, after all setters: for what no setter offers.
    ///
    /// A later call adds to the earlier ones.
    pub fn with<F>(mut self, change: F) -> Self
    where
        F: FnOnce(&mut ModelListParams) + Clone + Send + Sync + 'static,
    {
        self.door.add(change);
        self
    }

    /// Returns the client and what is sent.
    pub(crate) fn into_parts(mut self) -> (C, ModelListParams) {
        self.door.apply(&mut self.params);
        (self.client, self.params)
    }

    /// Lists models too that are not offered by default.
    pub fn include_hidden(mut self, include: bool) -> Self {
        self.params.include_hidden = Some(include);
        self
    }

    /// Goes on where an earlier page ended, at its `next_cursor`.
    pub fn cursor(mut self, cursor: impl Into<String>) -> Self {
        self.params.cursor = Some(cursor.into());
        self
    }

    /// Sets how many models a page has at most.
    pub fn limit(mut self, limit: u32) -> Self {
        self.params.limit = Some(limit);
        self
    }
}

impl ModelList {
    /// Streams the models of every page, from the cursor on.
    ///
    /// A page is asked for when the models of the one before have been read. An error ends the
    /// stream; a cursor that comes twice is one.
    pub fn stream(self) -> Models {
        let (client, params) = self.into_parts();
        Models::new(client, params)
    }
}

impl IntoFuture for ModelList {
    type Output = Result<ModelListResponse>;
    type IntoFuture = Pending<ModelListResponse>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (client, params) = self.into_parts();
            client.request(params).await
        })
    }
}

impl Codex {
    /// Lists the models that a thread can be started with: `.await` gives one page,
    /// [`ModelList::stream`] all of them.
    pub fn models(&self) -> ModelList {
        ModelList::new(self.clone())
    }
}
