//! Tables of what the schema does not say.
//!
//! A row that no longer applies to the experimental bundle, which holds all of the stable one, is an
//! error; the stable bundle may lack it.

/// Constants of strings that the schema leaves open.
pub const KNOWN_VALUES: &[(&str, &[&str])] = &[
    (
        "ReasoningEffort",
        &[
            "none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra",
        ],
    ),
    (
        "ThreadSource",
        &["user", "subagent", "memory_consolidation"],
    ),
];

/// Fields where null and absent mean different things to the runtime: null clears, absent keeps.
///
/// `regen/nulls.rs` asks for a row where the schema's own text speaks of null. Rows without such a
/// text are those that the runtime's TypeScript bindings write as `| null | null`, or that were seen
/// to differ.
pub const NULL_IS_NOT_ABSENT: &[(&str, &str)] = &[
    ("ProcessSpawnParams", "outputBytesCap"),
    ("ProcessSpawnParams", "timeoutMs"),
    ("ThreadForkParams", "serviceTier"),
    ("ThreadGoalSetParams", "tokenBudget"),
    ("ThreadListParams", "projectId"),
    ("ThreadListParams", "sectionId"),
    ("ThreadMetadataGitInfoUpdateParams", "branch"),
    ("ThreadMetadataGitInfoUpdateParams", "originUrl"),
    ("ThreadMetadataGitInfoUpdateParams", "sha"),
    ("ThreadRealtimeStartParams", "prompt"),
    ("ThreadResumeParams", "serviceTier"),
    ("ThreadSectionUpdateParams", "appearance"),
    ("ThreadSettingsUpdateParams", "serviceTier"),
    ("ThreadStartParams", "serviceTier"),
    ("TurnSettingsUpdateParams", "serviceTier"),
    ("TurnStartParams", "serviceTier"),
];

/// Variant names where the rule (the wire value in PascalCase) gives one name twice.
pub const VARIANT_NAMES: &[(&str, &str, &str)] = &[(
    "McpServerElicitationRequestParams",
    "openai/form",
    "OpenaiSlashForm",
)];

/// Variant names of unions that are told apart only by shape, in the schema's order.
pub const UNTAGGED_VARIANTS: &[(&str, &[&str])] = &[
    (
        "AccountSessionsSwitchResponse",
        &["Switched", "LoginRequired"],
    ),
    ("ForcedChatgptWorkspaceIds", &["One", "Many"]),
    ("FunctionCallOutputBody", &["Text", "ContentItems"]),
    (
        "McpElicitationEnumSchema",
        &["SingleSelect", "MultiSelect", "LegacyTitled"],
    ),
    (
        "McpElicitationMultiSelectEnumSchema",
        &["Untitled", "Titled"],
    ),
    (
        "McpElicitationPrimitiveSchema",
        &["Enum", "String", "Number", "Boolean"],
    ),
    (
        "McpElicitationSingleSelectEnumSchema",
        &["Untitled", "Titled"],
    ),
    ("RequestId", &["String", "Integer"]),
    ("ResourceContent", &["Text", "Blob"]),
    ("ThreadItemsListCursor", &["Cursor", "Anchor"]),
    ("ThreadListCwdFilter", &["One", "Many"]),
];
