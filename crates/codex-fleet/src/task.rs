//! What a fleet is asked to do.

use std::time::Duration;

use openai_codex::{ApprovalMode, Budget};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// A task for an agent: the prompt, and where and how it is run.
///
/// ```
/// use codex_fleet::Task;
/// use openai_codex::Budget;
///
/// let task = Task::new("task-81", "Fix the failing test.")
///     .repo("https://git.example.org/api.git", "main")
///     .labels(["linux"])
///     .budget(Budget::new().tokens(500_000));
/// assert_eq!(task.key(), "task-81");
/// ```
///
/// It is stored on the server as it is: give it no secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[must_use = "a task does nothing until it is submitted"]
pub struct Task {
    pub(crate) key: String,
    pub(crate) prompt: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) repo: Option<Repo>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) labels: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) budget: Option<Budget>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) output_schema: Option<Value>,
    #[serde(with = "approvals")]
    pub(crate) approvals: ApprovalMode,
    pub(crate) answer_within_ms: u64,
    pub(crate) attempts: u32,
    pub(crate) restart: bool,
}

/// A repository and the revision of it that a task works on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repo {
    /// What `git clone` takes.
    pub url: String,
    /// A branch, a tag, or a commit that a branch or a tag has.
    pub revision: String,
}

impl Task {
    /// Describes a task. The key names it for good: a task that is submitted twice is run once.
    pub fn new(key: impl Into<String>, prompt: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            prompt: prompt.into(),
            repo: None,
            labels: Vec::new(),
            budget: None,
            model: None,
            output_schema: None,
            approvals: ApprovalMode::UserReview,
            answer_within_ms: 24 * 60 * 60 * 1000,
            attempts: 5,
            restart: false,
        }
    }

    /// Sets the repository and its revision, which the worker checks out.
    pub fn repo(mut self, url: impl Into<String>, revision: impl Into<String>) -> Self {
        self.repo = Some(Repo {
            url: url.into(),
            revision: revision.into(),
        });
        self
    }

    /// Adds labels that a worker must have.
    pub fn labels<S: Into<String>>(mut self, labels: impl IntoIterator<Item = S>) -> Self {
        self.labels.extend(labels.into_iter().map(Into::into));
        self
    }

    /// Limits what one attempt may use. A job that uses more has failed, without another attempt.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Sets the model; else it is that of the worker's configuration.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Asks for a final response that is JSON of this schema.
    pub fn output_schema(mut self, schema: Value) -> Self {
        self.output_schema = Some(schema);
        self
    }

    /// Sets who decides what the sandbox does not allow: by default a person, who is asked by
    /// [`Job::asks`](crate::Job::asks).
    pub fn approvals(mut self, mode: ApprovalMode) -> Self {
        self.approvals = mode;
        self
    }

    /// Sets how long a question waits, 24 hours by default. Without an answer it is declined.
    pub fn answer_within(mut self, time: Duration) -> Self {
        self.answer_within_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self
    }

    /// Sets how often the job is tried, 5 times by default, a worker that was lost included.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Lets the job start again from nothing where a worker was lost before anything of the thread was saved.
    ///
    /// What the agent had done outside of its workspace is then done twice. By default such a job has failed.
    pub fn restart(mut self, restart: bool) -> Self {
        self.restart = restart;
        self
    }

    /// Returns the key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the prompt.
    pub fn prompt(&self) -> &str {
        &self.prompt
    }

    /// Returns the repository, if it has one.
    pub fn repository(&self) -> Option<&Repo> {
        self.repo.as_ref()
    }
}

/// Approval modes by their names.
mod approvals {
    use super::*;
    use serde::de::Error as _;

    pub(super) fn serialize<S: Serializer>(
        mode: &ApprovalMode,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(mode)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<ApprovalMode, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_json() {
        let task = Task::new("task-81", "Fix it.")
            .repo("https://git.example.org/api.git", "main")
            .labels(["linux"])
            .budget(Budget::new().commands(3))
            .approvals(ApprovalMode::DenyAll)
            .restart(true);
        let text = serde_json::to_string(&task).unwrap();
        assert!(text.contains(r#""approvals":"deny_all""#), "{text}");
        assert_eq!(serde_json::from_str::<Task>(&text).unwrap(), task);
        let other = text.replace("deny_all", "allow_all");
        assert!(serde_json::from_str::<Task>(&other).is_err());
    }
}
