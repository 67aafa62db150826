//! Listing stored threads, `thread/list`.

use std::future::IntoFuture;

use codex_runtime::Version;
use codex_types::{
    SortDirection, ThreadListCwdFilter, ThreadListParams, ThreadListResponse, ThreadSortKey,
    ThreadSourceKind,
};

use crate::client::Codex;
use crate::door::Door;
use crate::error::Result;
use crate::pages::{Pending, Threads};

/// Lists stored threads, `thread/list`; made by [`Codex::thread_list`].
///
/// Awaited, it is one page; [`stream`](ThreadList::stream) goes through all of them.
///
/// ```no_run
/// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
/// let page = codex.thread_list().limit(10).search_term("parser").await?;
/// for thread in page.data {
///     println!("{} {}", thread.id, thread.preview);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`Codex::request`].
#[derive(Clone, Debug)]
#[must_use = "threads are listed when this is awaited, streamed or sent"]
pub struct ThreadList<C = Codex> {
    pub(crate) client: C,
    params: ThreadListParams,
    door: Door<ThreadListParams>,
}

impl<C> ThreadList<C> {
    pub(crate) fn new(client: C) -> Self {
        Self {
            client,
            params: ThreadListParams::default(),
            door: Door::default(),
        }
    }

    /// Makes it a builder of another kind of client.
    #[cfg(feature = "blocking")]
    pub(crate) fn on<D>(self, client: impl FnOnce(C) -> D) -> ThreadList<D> {
        ThreadList {
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
        F: FnOnce(&mut ThreadListParams) + Clone + Send + Sync + 'static,
    {
        self.door.add(change);
        self
    }

    /// Returns the client and what is sent.
    pub(crate) fn into_parts(mut self) -> (C, ThreadListParams) {
        self.door.apply(&mut self.params);
        (self.client, self.params)
    }

    /// Lists archived threads instead of the others.
    pub fn archived(mut self, archived: bool) -> Self {
        self.params.archived = Some(archived);
        self
    }

    /// Goes on where an earlier page ended, at its `next_cursor`.
    pub fn cursor(mut self, cursor: impl Into<String>) -> Self {
        self.params.cursor = Some(cursor.into());
        self
    }

    /// Lists threads of this folder only; a list of folders is taken too.
    pub fn cwd(mut self, cwd: impl Into<ThreadListCwdFilter>) -> Self {
        self.params.cwd = Some(cwd.into());
        self
    }

    /// Sets how many threads a page has at most.
    pub fn limit(mut self, limit: u32) -> Self {
        self.params.limit = Some(limit);
        self
    }

    /// Lists threads of these model providers only; none at all means every provider.
    pub fn model_providers<I>(mut self, providers: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let providers = providers.into_iter().map(Into::into).collect();
        self.params.model_providers = Some(providers);
        self
    }

    /// Lists threads whose title has this text.
    pub fn search_term(mut self, term: impl Into<String>) -> Self {
        self.params.search_term = Some(term.into());
        self
    }

    /// Lists threads of this section only.
    pub fn section_id(mut self, id: impl Into<String>) -> Self {
        self.params.section_id = Some(Some(id.into()));
        self
    }

    /// Lists threads without a section only.
    pub fn without_section(mut self) -> Self {
        self.params.section_id = Some(None);
        self
    }

    /// Sets the order; the default is newest first.
    pub fn sort_direction(mut self, direction: SortDirection) -> Self {
        self.params.sort_direction = Some(direction);
        self
    }

    /// Sets what the order goes by; the default is when the thread was created.
    pub fn sort_key(mut self, key: ThreadSortKey) -> Self {
        self.params.sort_key = Some(key);
        self
    }

    /// Lists threads from these sources only; the default is the interactive ones.
    pub fn source_kinds(mut self, kinds: impl IntoIterator<Item = ThreadSourceKind>) -> Self {
        self.params.source_kinds = Some(kinds.into_iter().collect());
        self
    }

    /// Trusts the runtime's database instead of repairing it from the stored threads first.
    pub fn use_state_db_only(mut self, on: bool) -> Self {
        self.params.use_state_db_only = Some(on);
        self
    }
}

impl ThreadList {
    /// Streams the threads of every page, from the cursor on.
    ///
    /// A page is asked for when the threads of the one before have been read. An error ends the
    /// stream; a cursor that comes twice is one.
    ///
    /// The cursors of runtimes before 0.169 are whole seconds of the threads' creation, and lose threads of
    /// the same second between pages. Those runtimes are asked for what is in their database
    /// ([`use_state_db_only`](Self::use_state_db_only)), which has other cursors, unless another sort key or
    /// `use_state_db_only(false)` is set.
    ///
    /// ```no_run
    /// # async fn example(codex: openai_codex::Codex) -> openai_codex::Result<()> {
    /// let mut threads = codex.thread_list().archived(true).stream();
    /// while let Some(thread) = threads.next().await {
    ///     println!("{}", thread?.id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream(self) -> Threads {
        let (client, mut params) = self.into_parts();
        client.page_without_loss(&mut params);
        Threads::new(client, params)
    }
}

impl IntoFuture for ThreadList {
    type Output = Result<ThreadListResponse>;
    type IntoFuture = Pending<ThreadListResponse>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (client, params) = self.into_parts();
            client.request(params).await
        })
    }
}

impl Codex {
    /// Asks an older runtime for cursors that lose no thread: those of the runtimes before this one are
    /// whole seconds of the creation, so that threads of one second are lost between pages, unless only
    /// its database is read.
    fn page_without_loss(&self, params: &mut ThreadListParams) {
        /// The first runtime whose cursors are exact.
        const FIXED: Version = Version::new(0, 169, 0);
        let by_creation = matches!(params.sort_key, None | Some(ThreadSortKey::CreatedAt));
        let version = self.server_info().version();
        if by_creation && version.is_none_or(|version| version < FIXED) {
            params.use_state_db_only.get_or_insert(true);
        }
    }

    /// Lists stored threads: `.await` gives one page, [`ThreadList::stream`] all of them.
    pub fn thread_list(&self) -> ThreadList {
        ThreadList::new(self.clone())
    }
}
