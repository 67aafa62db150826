//! The builders of requests: what is asked, before it is.
//!
//! A builder is generic over the twin of the client that it came from; how it is sent stands with
//! what the answer becomes, in the layers above.

use std::future::Future;
use std::pin::Pin;

mod model_list;
mod pages;
#[cfg(test)]
mod schema_tests;
mod thread_fork;
mod thread_list;
mod thread_options;
mod thread_resume;
mod thread_start;
pub(crate) mod wire;

pub use model_list::ModelList;
pub use thread_fork::ThreadFork;
pub use thread_list::ThreadList;
pub use thread_resume::ThreadResume;
pub use thread_start::ThreadStart;

pub(crate) use pages::Pages;

use crate::error::Result;

/// The future of a builder that is awaited.
pub(crate) type Pending<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;
