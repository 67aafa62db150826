//! The public surface, read from the sources: what is added or lost shows here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syn::{ImplItem, Item, PathArguments, ReturnType, Type, UseTree, Visibility};

type Names = BTreeSet<String>;

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn items(path: &Path) -> Vec<Item> {
    let text = fs::read_to_string(path).unwrap();
    syn::parse_file(&text).unwrap().items
}

/// The Rust files of a module: `path.rs`, and what is below `path/`.
fn files(path: &str) -> Vec<PathBuf> {
    let mut files = vec![source(&format!("{path}.rs"))];
    if let Ok(folder) = fs::read_dir(source(path)) {
        files.extend(folder.map(|entry| entry.unwrap().path()));
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    files
}

fn names_of_use(tree: &UseTree, names: &mut Names) {
    match tree {
        UseTree::Path(path) => names_of_use(&path.tree, names),
        UseTree::Name(name) => drop(names.insert(name.ident.to_string())),
        UseTree::Rename(rename) => drop(names.insert(rename.rename.to_string())),
        UseTree::Group(group) => group
            .items
            .iter()
            .for_each(|tree| names_of_use(tree, names)),
        UseTree::Glob(_) => drop(names.insert("*".into())),
    }
}

/// The public names of some items.
fn public_names(items: &[Item]) -> Names {
    let mut names = Names::new();
    for item in items {
        let (visibility, ident) = match item {
            Item::Const(item) => (&item.vis, &item.ident),
            Item::Enum(item) => (&item.vis, &item.ident),
            Item::Fn(item) => (&item.vis, &item.sig.ident),
            Item::Mod(item) => (&item.vis, &item.ident),
            Item::Struct(item) => (&item.vis, &item.ident),
            Item::Trait(item) => (&item.vis, &item.ident),
            Item::Type(item) => (&item.vis, &item.ident),
            Item::Use(item) if matches!(item.vis, Visibility::Public(_)) => {
                names_of_use(&item.tree, &mut names);
                continue;
            }
            _ => continue,
        };
        if matches!(visibility, Visibility::Public(_)) {
            names.insert(ident.to_string());
        }
    }
    names
}

/// Finds what a method returns beside the one `Result` of this crate.
fn other_results(output: &ReturnType) -> usize {
    let ReturnType::Type(_, output) = output else {
        return 0;
    };
    let Type::Path(path) = &**output else {
        return 0;
    };
    let last = path.path.segments.last().unwrap();
    let arguments = match &last.arguments {
        PathArguments::AngleBracketed(arguments) => arguments.args.len(),
        _ => 0,
    };
    usize::from(last.ident == "Result" && (path.path.segments.len(), arguments) != (1, 1))
}

/// The public methods of a type in some files. Those that can fail return the crate's `Result`.
fn methods(files: &[PathBuf], of: &str) -> Names {
    let mut names = Names::new();
    for item in files.iter().flat_map(|file| items(file)) {
        let Item::Impl(item) = item else { continue };
        let Type::Path(path) = &*item.self_ty else {
            continue;
        };
        if item.trait_.is_some() || path.path.segments.last().unwrap().ident != of {
            continue;
        }
        for item in item.items {
            if let ImplItem::Fn(method) = item
                && matches!(method.vis, Visibility::Public(_))
            {
                let name = method.sig.ident.to_string();
                assert_eq!(other_results(&method.sig.output), 0, "{of}::{name}");
                names.insert(name);
            }
        }
    }
    names
}

fn words(text: &str) -> Names {
    text.split_whitespace().map(str::to_owned).collect()
}

/// Tells whether an item is there for the docs alone.
fn is_of_docs(item: &Item) -> bool {
    let Item::Mod(module) = item else {
        return false;
    };
    let mut conditions = module.attrs.iter().filter_map(|attribute| {
        let list = attribute.meta.require_list().ok()?;
        list.path.is_ident("cfg").then(|| list.tokens.to_string())
    });
    conditions.any(|condition| condition.contains("doctest"))
}

/// Nothing else, no params and no goals; the guide is no part of the library.
#[test]
fn the_root_is_what_the_api_page_lists() {
    let expected = words(
        "Codex CodexConfig ServerInfo Thread ThreadInfo TurnHandle TurnControl TurnResult
         TurnFailure ApprovalMode Sandbox Budget Once ThreadBundle Input InputItem ExternalMessage RunInput Notification
         Notifications UnknownNotification ChatgptLoginHandle DeviceCodeLoginHandle RetryPolicy
         retry_on_overload Error Result RpcError RpcErrorCode RpcErrorKind CloseReason
         ResponseError types request approval error remote runtime blocking tool VERSION RUNTIME_VERSION",
    );
    let mut root = items(&source("src/lib.rs"));
    root.retain(|item| !is_of_docs(item));
    assert_eq!(public_names(&root), expected);
}

#[test]
fn the_request_module_has_the_builders_and_the_traits() {
    let root = items(&source("src/lib.rs"));
    let module = root.iter().find_map(|item| match item {
        Item::Mod(module) if module.ident == "request" => module.content.as_ref(),
        _ => None,
    });
    let expected = words(
        "ClientRequest ServerRequest ExternalContent IfInterrupted ModelList Models OnceStart TextDelta TextDeltas
         ThreadFork ThreadList ThreadResume ThreadStart Threads TurnStart Turns Typed TypedResult",
    );
    assert_eq!(public_names(&module.unwrap().1), expected);
}

#[test]
fn the_runtime_module_has_what_a_user_meets() {
    let root = items(&source("src/lib.rs"));
    let module = root.iter().find_map(|item| match item {
        Item::Mod(module) if module.ident == "runtime" => module.content.as_ref(),
        _ => None,
    });
    let expected = words(
        "Cancel Environment Error Installer InvalidVersion Isolation MINIMUM_VERSION Package Pin Progress
         ProgressEvent Runtime Source Step Target TerminalProgress Version install",
    );
    assert_eq!(public_names(&module.unwrap().1), expected);
}

#[test]
fn the_approval_module_has_what_is_decided() {
    let root = items(&source("src/lib.rs"));
    let module = root.iter().find_map(|item| match item {
        Item::Mod(module) if module.ident == "approval" => module.content.as_ref(),
        _ => None,
    });
    let expected = words(
        "Approval Approvals Command Decision FileChange Pending Permissions ProposedRule Subject",
    );
    assert_eq!(public_names(&module.unwrap().1), expected);
    let files = files("src/question");
    let rows = [
        ("Approval", "offers"),
        (
            "Command",
            "line argv cwd proposed_rule additional_permissions raw",
        ),
        ("FileChange", "changes raw"),
        ("Permissions", "raw"),
    ];
    for (name, expected) in rows {
        assert_eq!(methods(&files, name), words(expected), "{name}");
    }
}

#[test]
fn the_error_module_has_every_type_that_an_error_holds() {
    let expected = words(
        "Amount AttachError BudgetExceeded CloseReason DecodeError Error OutputError RawPayload ResponseError
         Result RpcError
         RpcErrorCode RpcErrorKind TurnFailure TurnFailureKind",
    );
    assert_eq!(public_names(&items(&source("src/error.rs"))), expected);
}

/// The names of the `types` module are the generated ones, whose list the generator keeps, and
/// those of the hand-written modules.
#[test]
fn the_types_are_the_listed_ones() {
    let types = source("../codex-types/src");
    let mut names = public_names(&items(&types.join("lib.rs")));
    assert!(
        names.remove("*"),
        "the generated types are exported as a whole"
    );
    for file in files("../codex-types/src/generated") {
        names.extend(public_names(&items(&file)));
    }
    names.remove("*");
    // For the SDK's own use, and hidden from the docs.
    for hidden in ["raw", "since"] {
        names.remove(hidden);
    }
    let list = fs::read_to_string(types.join("generated/names.txt")).unwrap();
    let generated = list
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| !name.contains(['.', ':']));
    let mut listed: BTreeSet<String> = generated.map(str::to_owned).collect();
    listed.extend(words(
        "DecodeError ItemId SafeReply ServerMessage ServerNotification ServerRequest ThreadId TurnFailureKind TurnId
         UnknownFields UnknownNotification UnknownRequest Unrecognized from_str request",
    ));
    let (added, lost): (Vec<_>, Vec<_>) = (
        names.difference(&listed).collect(),
        listed.difference(&names).collect(),
    );
    assert!(
        added.is_empty() && lost.is_empty(),
        "added {added:?}, lost {lost:?}"
    );
    let curated = words(
        "Account AccountLoginCompletedNotification ApprovalsReviewer AskForApproval
         CancelLoginAccountResponse CancelLoginAccountStatus GetAccountResponse
         InitializeResponse ModelListResponse Personality PlanType ReasoningEffort
         ReasoningSummary SandboxMode SandboxPolicy SortDirection ThreadArchiveResponse
         ThreadCompactStartResponse ThreadItem ThreadListCwdFilter ThreadListResponse
         ThreadReadResponse ThreadSetNameResponse ThreadSortKey ThreadSource ThreadSourceKind
         ThreadStartSource ThreadTokenUsage ThreadTokenUsageUpdatedNotification Turn
         TurnCompletedNotification TurnError TurnInterruptResponse TurnStatus TurnSteerResponse",
    );
    assert_eq!(curated.difference(&names).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn every_type_of_the_client_has_a_blocking_twin_with_its_methods() {
    let modules = [
        "approvals",
        "client",
        "login",
        "models",
        "notifications",
        "thread",
        "turn",
    ];
    let files: Vec<_> = modules
        .iter()
        .flat_map(|module| files(&format!("src/{module}")))
        .collect();
    let twins = self::files("src/blocking");
    for name in [
        "Codex",
        "Thread",
        "TurnHandle",
        "TurnControl",
        "ChatgptLoginHandle",
        "DeviceCodeLoginHandle",
        "Notifications",
        "Pending",
    ] {
        let mut expected = methods(&files, name);
        assert!(!expected.is_empty(), "{name}");
        // `Iterator::next` there.
        expected.remove("next");
        assert_eq!(methods(&twins, name), expected, "{name}");
    }
    let twins = public_names(&items(&source("src/blocking.rs")));
    let expected = words(
        "Codex Thread TurnHandle TurnControl ChatgptLoginHandle DeviceCodeLoginHandle
         Notifications TextDeltas Approvals Pending Models Threads Turns retry_on_overload",
    );
    assert_eq!(twins, expected);
}

/// Threads are made by the client, and only the raw request takes a method's name.
#[test]
fn the_methods_are_the_listed_ones() {
    let modules = [
        "approvals",
        "client",
        "config",
        "error",
        "login",
        "models",
        "notifications",
        "result",
        "thread",
        "tool",
        "turn",
    ];
    let files: Vec<_> = modules
        .iter()
        .flat_map(|module| files(&format!("src/{module}")))
        .collect();
    let rows = [
        (
            "Codex",
            "start start_with connect attach attach_with take_over thread_import server_info process_id request request_raw notifications
             close closed approvals thread_start thread_resume thread_resume_latest thread_fork thread_list thread_archive thread_unarchive
             models login_api_key login_chatgpt login_chatgpt_device_code account logout",
        ),
        (
            "CodexConfig",
            "new codex_bin launch_command config_override cwd env envs env_remove env_clear isolated
             client_info experimental_api request_timeout max_in_flight retry
             opt_out_notification on_request on_approval max_line_bytes",
        ),
        (
            "Thread",
            "attach id info turn run run_as once export read read_with_turns turns set_name compact join_turn running",
        ),
        (
            "TurnHandle",
            "id thread_id is_joined approve next text_deltas control steer interrupt run detach",
        ),
        ("TurnControl", "id thread_id steer interrupt"),
        ("TurnResult", "text parse turn_usage"),
        ("TurnFailure", "new kind is_retryable"),
        ("OutputError", "text"),
        ("ChatgptLoginHandle", "login_id auth_url wait cancel"),
        (
            "DeviceCodeLoginHandle",
            "login_id verification_url user_code wait cancel",
        ),
        ("Notifications", "next"),
        ("Approvals", "next"),
        ("Pending", "approval answer resolved"),
        ("Tool", "new name description"),
        ("ToolCall", "thread_id turn_id call_id cancelled"),
        ("ToolOutput", "text json image and"),
        ("ToolError", "new"),
    ];
    for (name, expected) in rows {
        assert_eq!(methods(&files, name), words(expected), "{name}");
    }
}

#[test]
fn a_turns_result_has_its_fields_in_order() {
    let fields = items(&source("src/result.rs"))
        .into_iter()
        .find_map(|item| match item {
            Item::Struct(item) if item.ident == "TurnResult" => Some(item.fields),
            _ => None,
        });
    let public = fields
        .unwrap()
        .into_iter()
        .filter(|field| matches!(field.vis, Visibility::Public(_)));
    let fields = public.map(|field| field.ident.unwrap().to_string());
    let expected = [
        "id",
        "status",
        "error",
        "started_at",
        "completed_at",
        "duration_ms",
        "final_response",
        "items",
        "usage",
    ];
    assert_eq!(fields.collect::<Vec<_>>(), expected);
}

#[test]
fn modes_and_presets_are_these() {
    let variants = |name: &str| {
        let item = items(&source("src/policy.rs"))
            .into_iter()
            .find_map(|item| match item {
                Item::Enum(item) if item.ident == name => Some(item.variants),
                _ => None,
            });
        let variants = item.unwrap().into_iter();
        variants
            .map(|variant| variant.ident.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        variants("ApprovalMode"),
        ["AutoReview", "UserReview", "DenyAll"]
    );
    assert_eq!(
        variants("Sandbox"),
        ["ReadOnly", "WorkspaceWrite", "FullAccess"]
    );
}

#[test]
fn examples_import_only_the_root_and_the_types() {
    for example in fs::read_dir(source("examples")).unwrap() {
        let path = example.unwrap().path();
        let Ok(text) = fs::read_to_string(&path) else {
            // The folder of what they share.
            continue;
        };
        let name = path.display();
        assert!(text.starts_with("//! "), "{name}");
        for internal in [
            "codex_types",
            "codex_runtime",
            "codex_testkit",
            "request_raw",
        ] {
            assert!(!text.contains(internal), "{name} has {internal}");
        }
        assert!(
            !text.contains("\"failed\""),
            "{name} compares a status with a text"
        );
    }
}
