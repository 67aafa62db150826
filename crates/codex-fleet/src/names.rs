//! Names on the server: streams, buckets, subjects, and what they are made of.

use std::fmt::Write as _;

use crate::error::{Error, Result};

/// The longest name that a key or a set of labels may become.
const LONGEST: usize = 200;

/// The names of a fleet, which all begin with its namespace.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    namespace: String,
}

/// The key of a job as a token of a subject, which is a key of the bucket too.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Token(String);

impl Names {
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for a namespace that is no token of a subject.
    pub(crate) fn new(namespace: &str) -> Result<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if namespace.is_empty() || !namespace.bytes().all(fits) || namespace.len() > 32 {
            return Err(Error::InvalidInput(
                "the namespace cannot be used: it must be 1 to 32 letters, digits, `-` and `_`"
                    .into(),
            ));
        }
        Ok(Self {
            namespace: namespace.to_owned(),
        })
    }

    /// The stream of jobs that wait or run.
    pub(crate) fn jobs(&self) -> String {
        format!("{}-jobs", self.namespace)
    }

    /// The stream of what happens in the jobs.
    pub(crate) fn events(&self) -> String {
        format!("{}-events", self.namespace)
    }

    /// The stream of jobs that were given up.
    pub(crate) fn dead(&self) -> String {
        format!("{}-dead", self.namespace)
    }

    /// The bucket with the state of each job.
    pub(crate) fn state(&self) -> String {
        format!("{}-state", self.namespace)
    }

    /// The bucket with the questions of the jobs.
    pub(crate) fn asks(&self) -> String {
        format!("{}-asks", self.namespace)
    }

    /// The store of threads and large results.
    pub(crate) fn blobs(&self) -> String {
        format!("{}-blobs", self.namespace)
    }

    /// The subject of the jobs with a set of labels; `*` for all.
    pub(crate) fn job(&self, labels: &str) -> String {
        format!("{}.jobs.{labels}", self.namespace)
    }

    /// The subject of the events of a job; `*` for all.
    pub(crate) fn event(&self, job: &str) -> String {
        format!("{}.events.{job}", self.namespace)
    }

    /// The subject of the jobs with a set of labels that were given up; `*` for all.
    pub(crate) fn dead_job(&self, labels: &str) -> String {
        format!("{}.dead.{labels}", self.namespace)
    }

    /// The subject that says that a job is canceled; `*` for all.
    pub(crate) fn cancel(&self, job: &str) -> String {
        format!("{}.cancel.{job}", self.namespace)
    }

    /// The subject that asks the worker of a job to look at an answer.
    pub(crate) fn answer(&self, job: &str) -> String {
        format!("{}.answer.{job}", self.namespace)
    }

    /// The subject that says that there is a new set of labels.
    pub(crate) fn labels(&self) -> String {
        format!("{}.labels", self.namespace)
    }
}

impl Token {
    /// # Errors
    ///
    /// [`Error::InvalidInput`] for a key that is empty or too long.
    pub(crate) fn of(key: &str) -> Result<Self> {
        let mut token = String::new();
        escape(key, &mut token);
        if token.is_empty() || token.len() > LONGEST {
            return Err(Error::InvalidInput(format!(
                "the key of a task must have 1 to {LONGEST} characters, of which those other than letters, digits and `-` count three times"
            )));
        }
        Ok(Self(token))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns the name of a set of labels, whatever their order.
///
/// # Errors
///
/// [`Error::InvalidInput`] for an empty label or too many of them.
pub(crate) fn label_set(labels: &[String]) -> Result<String> {
    if labels.iter().any(String::is_empty) {
        return Err(Error::InvalidInput(
            "a label is empty: give it a name, or leave it out".into(),
        ));
    }
    let mut sorted: Vec<&String> = labels.iter().collect();
    sorted.sort();
    sorted.dedup();
    if sorted.is_empty() {
        return Ok("_".to_owned());
    }
    let mut set = String::new();
    for label in sorted {
        if !set.is_empty() {
            set.push('+');
        }
        escape(label, &mut set);
    }
    if set.len() > LONGEST {
        return Err(Error::InvalidInput(format!(
            "the labels of a task have {} characters together, and {LONGEST} is the most: use fewer or shorter ones",
            set.len()
        )));
    }
    Ok(set)
}

/// Tells whether a worker with these labels may take jobs with that set.
pub(crate) fn takes(labels: &[String], set: &str) -> bool {
    let has = |wanted: &str| {
        labels.iter().any(|label| {
            let mut own = String::new();
            escape(label, &mut own);
            own == wanted
        })
    };
    set == "_" || set.split('+').all(has)
}

/// Writes bytes as digits, for names of what they are a digest of.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn escape(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            into.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(into, "={byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(labels: &[&str]) -> Vec<String> {
        labels.iter().map(|&label| label.to_owned()).collect()
    }

    #[test]
    fn keys_become_tokens_that_differ() {
        let token = |key| Token::of(key).map(|token| token.0);
        assert_eq!(token("task-81").unwrap(), "task-81");
        assert_eq!(token("a/b.c *>_=").unwrap(), "a=2Fb=2Ec=20=2A=3E=5F=3D");
        assert!(token("").is_err());
        assert!(token(&"x".repeat(201)).is_err());
    }

    #[test]
    fn a_set_of_labels_has_one_name() {
        let set = label_set(&labels(&["repo:api", "linux", "linux"])).unwrap();
        assert_eq!(set, "linux+repo=3Aapi");
        assert_eq!(label_set(&[]).unwrap(), "_");
        assert_ne!(label_set(&labels(&["_"])).unwrap(), "_");
        assert!(label_set(&labels(&[""])).is_err());
    }

    #[test]
    fn a_worker_takes_what_it_has_all_labels_for() {
        let own = labels(&["linux", "repo:api"]);
        assert!(takes(&own, "_"));
        assert!(takes(&own, "linux"));
        assert!(takes(&own, "linux+repo=3Aapi"));
        assert!(!takes(&own, "gpu+linux"));
        assert!(!takes(&[], "linux"));
    }

    #[test]
    fn a_namespace_is_a_token() {
        assert!(Names::new("team-a").is_ok());
        for namespace in ["", "a.b", "a*", "a b"] {
            assert!(Names::new(namespace).is_err(), "{namespace}");
        }
    }
}
