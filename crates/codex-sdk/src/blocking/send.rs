//! Sending the builders of the blocking client.

use std::future::IntoFuture;
use std::sync::Arc;

use codex_types::{ModelListResponse, ThreadListResponse};

use super::client::Codex;
use super::iterators::{Models, Threads};
use super::thread::Thread;
use super::turn::TurnHandle;
use crate::error::Result;
use crate::models::ModelList;
use crate::result::TurnResult;
use crate::thread::{ThreadFork, ThreadList, ThreadResume, ThreadStart};
use crate::turn::{Once, OnceStart, TurnStart};
#[cfg(feature = "schemars")]
use crate::turn::{Typed, TypedResult};
#[cfg(feature = "schemars")]
use serde::de::DeserializeOwned;

macro_rules! send {
    ($($(#[$doc:meta])* $builder:ident,)*) => {
        $(impl $builder<Codex> {
            $(#[$doc])*
            ///
            /// # Errors
            ///
            /// [`Error::InvalidInput`](crate::Error::InvalidInput) and
            /// [`Error::UnsupportedRuntime`](crate::Error::UnsupportedRuntime) before anything is
            /// sent; else as [`Codex::request`](crate::Codex::request).
            pub fn send(self) -> Result<Thread> {
                let codex = self.client.clone();
                let builder = self.on(|client| client.inner);
                let thread = codex.driver.block_on(builder.into_future())?;
                Ok(codex.thread(thread))
            }
        })*
    };
}

send! {
    /// Starts the thread.
    ThreadStart,
    /// Resumes the thread.
    ThreadResume,
    /// Forks the thread.
    ThreadFork,
}

impl<O> TurnStart<Thread, O> {
    /// Starts the turn.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidInput`](crate::Error::InvalidInput) and
    /// [`Error::UnsupportedRuntime`](crate::Error::UnsupportedRuntime) before anything is sent;
    /// else as [`Codex::request`](crate::Codex::request).
    pub fn send(self) -> Result<TurnHandle> {
        let driver = Arc::clone(&self.thread.driver);
        let start = self.on(|thread| thread.inner);
        let turn = driver.block_on(start.into_future())?;
        Ok(TurnHandle::new(turn, &driver))
    }
}

impl TurnStart<Thread> {
    /// Starts the turn and reads it to its end.
    ///
    /// # Errors
    ///
    /// As [`TurnStart::send`] and [`TurnHandle::run`].
    pub fn run(self) -> Result<TurnResult> {
        self.send()?.run()
    }
}

impl OnceStart<Thread> {
    /// Runs the turn unless it was run.
    ///
    /// # Errors
    ///
    /// As [`Thread::once`](crate::Thread::once).
    pub fn send(self) -> Result<Once> {
        let driver = Arc::clone(&self.start.thread.driver);
        driver.block_on(self.on(|thread| thread.inner).into_future())
    }

    /// Starts the turn unless it was started, and returns its handle.
    ///
    /// # Errors
    ///
    /// As [`OnceStart::start`](crate::request::OnceStart::start).
    pub fn start(self) -> Result<TurnHandle> {
        let driver = Arc::clone(&self.start.thread.driver);
        let start = self.on(|thread| thread.inner);
        let turn = driver.block_on(start.start())?;
        Ok(TurnHandle::new(turn, &driver))
    }
}

#[cfg(feature = "schemars")]
impl<V: DeserializeOwned> TurnStart<Thread, Typed<V>> {
    /// Starts the turn, reads it to its end, and decodes its final response.
    ///
    /// A response that does not fit the type is answered with what is wrong in one more turn.
    ///
    /// # Errors
    ///
    /// [`Error::Output`](crate::Error::Output) if the second response does not fit either, or if there is none;
    /// else as [`TurnStart::run`] without a type.
    pub fn run(self) -> Result<TypedResult<V>> {
        let driver = Arc::clone(&self.thread.driver);
        driver.block_on(self.on(|thread| thread.inner).run())
    }
}

impl ThreadList<Codex> {
    /// Lists one page.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`](crate::Codex::request).
    pub fn send(self) -> Result<ThreadListResponse> {
        let (client, params) = self.into_parts();
        client.request(params)
    }

    /// Goes through the threads of every page, from the cursor on.
    ///
    /// A page is asked for when the threads of the one before have been read. An error is the
    /// last item; a cursor that comes twice is one.
    pub fn iter(self) -> Threads {
        let driver = Arc::clone(&self.client.driver);
        Threads::new(self.on(|client| client.inner).stream(), &driver)
    }
}

impl ModelList<Codex> {
    /// Lists one page.
    ///
    /// # Errors
    ///
    /// As [`Codex::request`](crate::Codex::request).
    pub fn send(self) -> Result<ModelListResponse> {
        let (client, params) = self.into_parts();
        client.request(params)
    }

    /// Goes through the models of every page, from the cursor on.
    ///
    /// A page is asked for when the models of the one before have been read. An error is the
    /// last item; a cursor that comes twice is one.
    pub fn iter(self) -> Models {
        let driver = Arc::clone(&self.client.driver);
        Models::new(self.on(|client| client.inner).stream(), &driver)
    }
}
