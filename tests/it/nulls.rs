//! Fields where null, absence and a value are three things to the runtime.

use openai_codex::Result;
use openai_codex::types::{
    ThreadListParams, ThreadMetadataGitInfoUpdateParams, ThreadMetadataUpdateParams, ThreadSection,
    ThreadSectionAppearance, ThreadSectionCreateParams, ThreadSectionMoveParams,
    ThreadSectionUpdateParams,
};

use crate::stage::{Stage, ok, supported};

/// Branch, commit and origin of a thread after an update.
async fn update(
    stage: &Stage,
    thread: &str,
    git_info: ThreadMetadataGitInfoUpdateParams,
) -> Result<[Option<String>; 3]> {
    let params = ThreadMetadataUpdateParams::new(thread).git_info(git_info);
    let updated = stage.codex.request(params).await?.thread;
    Ok(match updated.git_info {
        Some(info) => [info.branch, info.sha, info.origin_url],
        None => [None, None, None],
    })
}

#[tokio::test]
async fn a_null_in_the_metadata_of_a_thread_clears_and_absence_keeps() {
    let stage = Stage::new().await;
    let thread = stage.thread().await;
    let text = |text: &str| Some(text.to_owned());
    let git = ThreadMetadataGitInfoUpdateParams::default;
    let all = git()
        .branch(text("main"))
        .sha(text("abc123"))
        .origin_url(text("ssh://example/repo"));
    let set = ok(update(&stage, thread.id(), all)).await;
    let values = [text("main"), text("abc123"), text("ssh://example/repo")];
    assert_eq!(set, values);
    let cleared = ok(update(&stage, thread.id(), git().branch(None))).await;
    let [_, sha, origin] = values;
    assert_eq!(cleared, [None, sha.clone(), origin.clone()]);
    let changed = ok(update(&stage, thread.id(), git().branch(text("next")))).await;
    assert_eq!(changed, [text("next"), sha, origin.clone()]);
    let cleared = ok(update(&stage, thread.id(), git().sha(None))).await;
    assert_eq!(cleared, [text("next"), None, origin]);
    let cleared = ok(update(&stage, thread.id(), git().origin_url(None))).await;
    assert_eq!(cleared, [text("next"), None, None]);
    stage.finish().await;
}

#[tokio::test]
async fn a_null_in_a_section_clears_its_appearance_and_absence_keeps_it() {
    let stage = Stage::new().await;
    let red = ThreadSectionAppearance::default().color("red");
    let create = stage.codex.request(ThreadSectionCreateParams::new("one"));
    let Some(created) = supported(create).await else {
        return stage.leave().await;
    };
    let section = created.section;
    assert_eq!(section.appearance, None);
    let update = |section: &ThreadSection| {
        let params = ThreadSectionUpdateParams::default().name("two");
        params.section_id(&*section.id)
    };
    let shown = |params: ThreadSectionUpdateParams| async {
        let section = ok(stage.codex.request(params)).await.section;
        section.appearance.and_then(|appearance| appearance.color)
    };
    let color = red.color.clone();
    let paint = update(&section).appearance(red);
    if supported(stage.codex.request(paint.clone()))
        .await
        .is_none()
    {
        return stage.leave().await;
    }
    assert_eq!(shown(paint).await, color);
    assert_eq!(shown(update(&section)).await, color);
    assert_eq!(shown(update(&section).appearance(None)).await, None);
    stage.finish().await;
}

#[tokio::test]
async fn a_null_lists_the_threads_without_a_section_and_absence_all() {
    let stage = Stage::new().await;
    stage
        .model
        .default_answer(codex_testkit::Answer::text("done"));
    let (inside, outside) = (stage.thread().await, stage.thread().await);
    ok(inside.run("one")).await;
    ok(outside.run("two")).await;
    let create = stage.codex.request(ThreadSectionCreateParams::new("one"));
    let Some(created) = supported(create).await else {
        return stage.leave().await;
    };
    let section = created.section;
    let mut into = ThreadSectionMoveParams::new(inside.id());
    into.section_id = Some(section.id.clone());
    ok(stage.codex.request(into)).await;
    let list = |params: ThreadListParams| async {
        let page = ok(stage.codex.request(params)).await;
        let mut ids: Vec<_> = page.data.into_iter().map(|thread| thread.id).collect();
        ids.sort();
        ids
    };
    let mut both = vec![inside.id().to_owned(), outside.id().to_owned()];
    both.sort();
    let params = ThreadListParams::default;
    assert_eq!(list(params()).await, both);
    assert_eq!(list(params().section_id(None)).await, [outside.id()]);
    assert_eq!(list(params().section_id(section.id)).await, [inside.id()]);
    stage.finish().await;
}

/// Projects are part of the experimental API.
#[cfg(feature = "experimental")]
#[tokio::test]
async fn a_null_lists_the_threads_without_a_project_and_absence_all() {
    use openai_codex::types::ProjectCreateParams;

    let stage = Stage::with_config(|config| config.experimental_api(true)).await;
    stage
        .model
        .default_answer(codex_testkit::Answer::text("done"));
    let project = ProjectCreateParams::default()
        .idempotency_key("key")
        .name("one");
    let project = ok(stage.codex.request(project)).await.project;
    let (inside, outside) = (stage.thread().await, stage.thread().await);
    ok(inside.run("one")).await;
    ok(outside.run("two")).await;
    let into = ThreadMetadataUpdateParams::new(inside.id()).project_id(&*project.id);
    ok(stage.codex.request(into)).await;
    let list = |params: ThreadListParams| async {
        let page = ok(stage.codex.request(params)).await;
        let mut ids: Vec<_> = page.data.into_iter().map(|thread| thread.id).collect();
        ids.sort();
        ids
    };
    let mut both = vec![inside.id().to_owned(), outside.id().to_owned()];
    both.sort();
    let params = ThreadListParams::default;
    assert_eq!(list(params()).await, both);
    assert_eq!(list(params().project_id(None)).await, [outside.id()]);
    assert_eq!(list(params().project_id(project.id)).await, [inside.id()]);
    stage.finish().await;
}

/// Processes are part of the experimental API.
#[cfg(all(unix, feature = "experimental"))]
#[tokio::test]
async fn a_null_takes_the_cap_off_the_output_of_a_process_and_absence_keeps_it() {
    use openai_codex::Notification;
    use openai_codex::types::ProcessSpawnParams;

    use crate::stage::within;

    const BYTES: usize = 3 << 20;
    let stage = Stage::with_config(|config| config.experimental_api(true)).await;
    let script = format!("head -c {BYTES} /dev/zero | tr '\\0' x");
    let command = ["/bin/sh".to_owned(), "-c".to_owned(), script];
    let spawn =
        |handle: &str| ProcessSpawnParams::new(command.clone(), "/".to_owned().into(), handle);
    let mut events = stage.codex.notifications();
    let mut output = async |params: ProcessSpawnParams| {
        let handle = params.process_handle.clone();
        ok(stage.codex.request(params)).await;
        loop {
            match within(events.next()).await {
                Some(Ok(Notification::ProcessExited(exited)))
                    if exited.process_handle == handle =>
                {
                    return (exited.stdout.len(), exited.stdout_cap_reached);
                }
                Some(_) => {}
                None => panic!("the stream ended before the process"),
            }
        }
    };
    let (kept, capped) = output(spawn("absent")).await;
    assert!(kept < BYTES && capped, "{kept} bytes, capped: {capped}");
    assert_eq!(
        output(spawn("null").output_bytes_cap(None)).await,
        (BYTES, false)
    );
    assert_eq!(
        output(spawn("value").output_bytes_cap(1_000)).await,
        (1_000, true)
    );
    let timeless = spawn("timeless").timeout_ms(None).output_bytes_cap(None);
    assert_eq!(output(timeless).await, (BYTES, false));
    stage.finish().await;
}
