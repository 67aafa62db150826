//! The pages of a list, read as one stream.

use std::borrow::Cow;
use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use codex_types::request::ClientRequest;
use codex_types::{
    Model, ModelListParams, ModelListResponse, Thread, ThreadListParams, ThreadListResponse,
    ThreadLoadedListParams, ThreadLoadedListResponse, ThreadTurnsListParams,
    ThreadTurnsListResponse, Turn,
};
use futures_core::Stream;

use crate::client::Codex;
use crate::error::{Error, RawPayload, Result, RpcError};

/// The future of a builder that is awaited.
pub(crate) type Pending<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// A request whose answer is one page of many.
pub(crate) trait Paged: ClientRequest + Clone + Unpin {
    /// What the pages hold.
    type Item: Send + Unpin + 'static;

    /// Where the page begins.
    fn cursor(&mut self) -> &mut Option<String>;

    /// Returns the items of a page, and where the next one begins.
    fn split(page: Self::Response) -> (Vec<Self::Item>, Option<String>);

    /// Tells whether a refusal means that there is nothing to list yet.
    fn nothing_yet(_refusal: &RpcError) -> bool {
        false
    }
}

macro_rules! paged {
    ($($params:ident: $response:ident of $item:ident $(, but nothing on $refusal:literal)?;)*) => {
        $(impl Paged for $params {
            type Item = $item;

            fn cursor(&mut self) -> &mut Option<String> {
                &mut self.cursor
            }

            fn split(page: $response) -> (Vec<$item>, Option<String>) {
                (page.data, page.next_cursor)
            }

            $(fn nothing_yet(refusal: &RpcError) -> bool {
                refusal.message.contains($refusal)
            })?
        })*
    };
}

paged! {
    ModelListParams: ModelListResponse of Model;
    ThreadListParams: ThreadListResponse of Thread;
    ThreadLoadedListParams: ThreadLoadedListResponse of String;
    // A thread is stored with its first turn.
    ThreadTurnsListParams: ThreadTurnsListResponse of Turn, but nothing on "not materialized yet";
}

/// The items of every page. A page is asked for when those before it have been read.
pub(crate) struct Pages<P: Paged> {
    codex: Codex,
    params: P,
    /// Items of the last page that are not read.
    items: VecDeque<P::Item>,
    next: Next<P>,
    /// Every cursor so far: one that comes again would lead in a circle.
    seen: HashSet<String>,
}

/// Where the next page comes from.
enum Next<P: Paged> {
    Ask,
    Wait(Pending<P::Response>),
    /// Nowhere: the stream ends with this.
    Fail(Error),
    End,
}

impl<P: Paged> Pages<P> {
    pub(crate) fn new(codex: Codex, mut params: P) -> Self {
        Self {
            codex,
            seen: params.cursor().iter().cloned().collect(),
            params,
            items: VecDeque::new(),
            next: Next::Ask,
        }
    }

    /// Takes the items of a page, and finds out where the next one comes from.
    fn take(&mut self, page: P::Response) -> Next<P> {
        let (items, cursor) = P::split(page);
        self.items.extend(items);
        let Some(cursor) = cursor else {
            return Next::End;
        };
        if !self.seen.insert(cursor.clone()) {
            return Next::Fail(Error::UnexpectedResponse {
                method: Cow::Borrowed(P::METHOD),
                reason: "the cursor of the next page is that of an earlier one".into(),
                raw: Some(RawPayload::new(cursor)),
            });
        }
        *self.params.cursor() = Some(cursor);
        Next::Ask
    }
}

impl<P: Paged> Stream for Pages<P> {
    type Item = Result<P::Item>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(item) = self.items.pop_front() {
                return Poll::Ready(Some(Ok(item)));
            }
            self.next = match std::mem::replace(&mut self.next, Next::End) {
                Next::Ask => {
                    let (codex, params) = (self.codex.clone(), self.params.clone());
                    Next::Wait(Box::pin(async move { codex.request(params).await }))
                }
                Next::Wait(mut page) => match page.as_mut().poll(cx) {
                    Poll::Ready(Ok(page)) => self.take(page),
                    Poll::Ready(Err(error)) if error.rpc().is_some_and(P::nothing_yet) => Next::End,
                    Poll::Ready(Err(error)) => Next::Fail(error),
                    Poll::Pending => {
                        self.next = Next::Wait(page);
                        return Poll::Pending;
                    }
                },
                Next::Fail(error) => return Poll::Ready(Some(Err(error))),
                Next::End => return Poll::Ready(None),
            };
        }
    }
}

/// Defines the stream of one list, so that it can be named.
macro_rules! streams {
    ($($(#[$doc:meta])* $name:ident: $params:ident of $item:ident;)*) => {
        $($(#[$doc])*
        ///
        /// A page is asked for when the items of the one before have been read. An error ends the
        /// stream; a cursor that comes twice is one. Dropping it asks for nothing more.
        #[derive(Debug)]
        #[must_use = "streams do nothing unless they are read"]
        pub struct $name(Pages<$params>);

        impl $name {
            pub(crate) fn new(codex: Codex, params: $params) -> Self {
                Self(Pages::new(codex, params))
            }

            /// Waits for the next item; `None` after the last one.
            ///
            /// # Errors
            ///
            /// As [`Codex::request`], and
            /// [`Error::UnexpectedResponse`](crate::Error::UnexpectedResponse) for a cursor that
            /// comes twice.
            ///
            /// # Cancel safety
            ///
            /// Dropping the future loses nothing.
            pub async fn next(&mut self) -> Option<Result<$item>> {
                poll_fn(|cx| Pin::new(&mut self.0).poll_next(cx)).await
            }
        }

        impl Stream for $name {
            type Item = Result<$item>;

            fn poll_next(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
            ) -> Poll<Option<Self::Item>> {
                Pin::new(&mut self.0).poll_next(cx)
            }
        })*
    };
}

streams! {
    /// The models of every page, made by [`ModelList::stream`](crate::request::ModelList::stream).
    Models: ModelListParams of Model;
    /// The stored threads of every page, made by
    /// [`ThreadList::stream`](crate::request::ThreadList::stream).
    Threads: ThreadListParams of Thread;
    /// The turns of a thread, made by [`Thread::turns`](crate::Thread::turns).
    Turns: ThreadTurnsListParams of Turn;
}

impl<P: Paged> fmt::Debug for Pages<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("method", &P::METHOD)
            .field("unread", &self.items.len())
            .finish_non_exhaustive()
    }
}
