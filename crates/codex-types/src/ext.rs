//! Conveniences beside generated types that cannot be generated.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::codec::Blank as _;
use crate::generated::{
    AbsolutePathBuf, AgentMessageDeltaNotification, CommandExecutionOutputDeltaNotification,
    ImageUserInput, ItemCompletedNotification, ItemStartedNotification, LocalImageUserInput,
    MentionUserInput, PlanDeltaNotification, ReasoningSummaryTextDeltaNotification,
    ReasoningTextDeltaNotification, ServerNotification, SkillUserInput, TextUserInput, ThreadItem,
    ThreadListCwdFilter, Turn, TurnCompletedNotification, TurnError, TurnItemsView,
    TurnStartedNotification, TurnStatus, UserInput,
};

// What only the runtime builds is built here too, where a client tells what the runtime did not say.
#[doc(hidden)]
impl ServerNotification {
    pub fn of_item(thread_id: &str, turn_id: &str, item: ThreadItem, completed_at_ms: i64) -> Self {
        Self::ItemCompleted(Box::new(ItemCompletedNotification {
            completed_at_ms,
            item,
            thread_id: thread_id.into(),
            turn_id: turn_id.into(),
            ..ItemCompletedNotification::blank()
        }))
    }

    pub fn of_item_start(thread_id: &str, turn_id: &str, item: ThreadItem) -> Self {
        Self::ItemStarted(Box::new(ItemStartedNotification {
            started_at_ms: item.started_at_ms().unwrap_or_default(),
            item,
            thread_id: thread_id.into(),
            turn_id: turn_id.into(),
            ..ItemStartedNotification::blank()
        }))
    }

    pub fn of_turn_start(thread_id: &str, turn: Turn) -> Self {
        Self::TurnStarted(Box::new(TurnStartedNotification {
            thread_id: thread_id.into(),
            turn,
            ..TurnStartedNotification::blank()
        }))
    }

    pub fn of_message_delta(thread_id: &str, turn_id: &str, item_id: &str, delta: &str) -> Self {
        Self::ItemAgentMessageDelta(AgentMessageDeltaNotification {
            delta: delta.into(),
            item_id: item_id.into(),
            thread_id: thread_id.into(),
            turn_id: turn_id.into(),
            ..AgentMessageDeltaNotification::blank()
        })
    }

    pub fn of_plan_delta(thread_id: &str, turn_id: &str, item_id: &str, delta: &str) -> Self {
        Self::ItemPlanDelta(PlanDeltaNotification {
            delta: delta.into(),
            item_id: item_id.into(),
            thread_id: thread_id.into(),
            turn_id: turn_id.into(),
            ..PlanDeltaNotification::blank()
        })
    }

    pub fn of_output_delta(thread_id: &str, turn_id: &str, item_id: &str, delta: &str) -> Self {
        Self::ItemCommandExecutionOutputDelta(CommandExecutionOutputDeltaNotification {
            delta: delta.into(),
            item_id: item_id.into(),
            thread_id: thread_id.into(),
            turn_id: turn_id.into(),
            ..CommandExecutionOutputDeltaNotification::blank()
        })
    }

    pub fn of_reasoning_delta(
        thread_id: &str,
        turn_id: &str,
        item_id: &str,
        content_index: i64,
        delta: &str,
    ) -> Self {
        Self::ItemReasoningTextDelta(ReasoningTextDeltaNotification {
            content_index,
            delta: delta.into(),
            item_id: item_id.into(),
            thread_id: thread_id.into(),
            turn_id: turn_id.into(),
            ..ReasoningTextDeltaNotification::blank()
        })
    }

    pub fn of_summary_delta(
        thread_id: &str,
        turn_id: &str,
        item_id: &str,
        summary_index: i64,
        delta: &str,
    ) -> Self {
        Self::ItemReasoningSummaryTextDelta(ReasoningSummaryTextDeltaNotification {
            delta: delta.into(),
            item_id: item_id.into(),
            summary_index,
            thread_id: thread_id.into(),
            turn_id: turn_id.into(),
            ..ReasoningSummaryTextDeltaNotification::blank()
        })
    }

    pub fn of_turn(thread_id: &str, turn: Turn) -> Self {
        Self::TurnCompleted(Box::new(TurnCompletedNotification {
            thread_id: thread_id.into(),
            turn,
            ..TurnCompletedNotification::blank()
        }))
    }
}

#[doc(hidden)]
impl Turn {
    pub fn failed(id: &str, error: TurnError) -> Self {
        Self {
            error: Some(error),
            id: id.into(),
            items_view: TurnItemsView::NotLoaded,
            status: TurnStatus::Failed,
            ..Self::blank()
        }
    }
}

impl UserInput {
    /// Makes a text item.
    ///
    /// ```
    /// let item = codex_types::UserInput::text("Fix the failing test.");
    /// let json = serde_json::to_value(item)?;
    /// assert_eq!(json, serde_json::json!({"type": "text", "text": "Fix the failing test."}));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(TextUserInput::new(text))
    }

    /// Makes an image item from a `data:` URL; the runtime refuses remote URLs.
    pub fn image_url(url: impl Into<String>) -> Self {
        let mut image = ImageUserInput::blank();
        image.url = url.into().into();
        Self::Image(image)
    }

    /// Makes an image item from its bytes, as a `data:` URL of that MIME type (`image/png`).
    pub fn image_bytes(mime: &str, bytes: &[u8]) -> Self {
        Self::image_url(format!("data:{mime};base64,{}", STANDARD.encode(bytes)))
    }

    /// Makes an image item from a file, which the runtime reads when the turn starts.
    pub fn local_image(path: impl Into<std::path::PathBuf>) -> Self {
        Self::LocalImage(LocalImageUserInput::new(path_text(path)))
    }

    /// Makes an item that brings in the skill of that name, whose `SKILL.md` is at `path`.
    pub fn skill(name: impl Into<String>, path: impl Into<std::path::PathBuf>) -> Self {
        Self::Skill(SkillUserInput::default().name(name).path(path_text(path)))
    }

    /// Makes an item that mentions a file or an app by name and path.
    pub fn mention(name: impl Into<String>, path: impl Into<std::path::PathBuf>) -> Self {
        Self::Mention(MentionUserInput::default().name(name).path(path_text(path)))
    }
}

/// The wire knows only text; what is not Unicode in a path cannot be said there.
fn path_text(path: impl Into<std::path::PathBuf>) -> String {
    path.into().to_string_lossy().into_owned()
}

impl From<std::path::PathBuf> for AbsolutePathBuf {
    fn from(path: std::path::PathBuf) -> Self {
        Self(path_text(path))
    }
}

impl From<&std::path::Path> for AbsolutePathBuf {
    fn from(path: &std::path::Path) -> Self {
        Self(path_text(path))
    }
}

impl AsRef<std::path::Path> for AbsolutePathBuf {
    fn as_ref(&self) -> &std::path::Path {
        std::path::Path::new(&self.0)
    }
}

macro_rules! cwd_filter_of_one {
    ($($path:ty),*) => {
        $(impl From<$path> for ThreadListCwdFilter {
            fn from(path: $path) -> Self {
                Self::One(path_text(path))
            }
        })*
    };
}

cwd_filter_of_one!(
    &str,
    &String,
    String,
    &std::path::Path,
    &std::path::PathBuf,
    std::path::PathBuf
);

impl<P: Into<std::path::PathBuf>> From<Vec<P>> for ThreadListCwdFilter {
    fn from(paths: Vec<P>) -> Self {
        Self::Many(paths.into_iter().map(path_text).collect())
    }
}

impl<P: Into<std::path::PathBuf>, const N: usize> From<[P; N]> for ThreadListCwdFilter {
    fn from(paths: [P; N]) -> Self {
        Self::from(Vec::from(paths))
    }
}
