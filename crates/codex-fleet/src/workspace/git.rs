//! Checkouts of git repositories.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::sync::OnceCell;

use super::{Workspace, WorkspaceFuture, remove};
use crate::error::Cause;
use crate::names::{Token, hex};
use crate::task::{Repo, Task};

/// What the agent has changed is not saved where it is more than this.
const LARGEST_PATCH: usize = 64 << 20;

/// A checkout of the task's repository for each attempt, by the `git` of the machine; an empty folder for a task
/// without one.
///
/// The repositories are mirrored once below the folder, and fetched before each checkout. The checkout has the
/// repository as its remote `origin` and stands at the revision, on no branch. What the agent has changed in it, new
/// files included, is saved as a patch with the thread, and a worker that goes on with the job applies it; commits of
/// the agent become changes that are not committed. Files that git ignores, and a patch of more than 64 MiB, stay
/// behind. Git asks nobody for a password: it logs in as its configuration says.
#[derive(Debug)]
pub struct GitCheckout {
    root: PathBuf,
    /// What a process has left that was killed is removed once.
    cleared: OnceCell<()>,
    /// One fetch of a mirror at a time.
    mirrors: Mutex<HashMap<PathBuf, Arc<tokio::sync::Mutex<()>>>>,
    /// What a checkout was made of: its mirror and its commit.
    made_of: Mutex<HashMap<PathBuf, (PathBuf, String)>>,
}

impl GitCheckout {
    /// Makes the checkouts below a folder, which belongs to this worker alone.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            root: folder.into(),
            cleared: OnceCell::new(),
            mirrors: Mutex::default(),
            made_of: Mutex::default(),
        }
    }

    async fn check_out(
        &self,
        repo: &Repo,
        folder: &Path,
        saved: Option<&[u8]>,
    ) -> Result<(), Cause> {
        let saved = saved.map(read_saved).transpose()?;
        // Either would be taken for an option.
        if repo.url.starts_with('-') || repo.revision.starts_with('-') {
            return Err("a repository or a revision that begins with `-`".into());
        }
        let name = hex(&Sha256::digest(&repo.url)[..8]);
        let mirror = self.root.join("mirrors").join(name);
        let lock = {
            let mut mirrors = self.mirrors.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(mirrors.entry(mirror.clone()).or_default())
        };
        let commit = {
            let _one = lock.lock().await;
            if mirror.join("HEAD").exists() {
                git(&mirror, ["fetch", "--quiet", "--prune", "origin"]).await?;
            } else {
                tokio::fs::create_dir_all(&mirror).await?;
                let from = ["clone", "--quiet", "--mirror", "--", repo.url.as_str(), "."];
                if let Err(error) = git(&mirror, from).await {
                    remove(&mirror).await?;
                    return Err(error);
                }
            }
            // Changes that were saved are those of a commit, and the branch may have gone on.
            let revision = saved
                .as_ref()
                .map_or(repo.revision.as_str(), |(commit, _)| commit);
            let revision = format!("{revision}^{{commit}}");
            let parsed = [
                "rev-parse",
                "--verify",
                "--quiet",
                "--end-of-options",
                &revision,
            ];
            let commit = git(&mirror, parsed)
                .await
                .map_err(|_| format!("the repository has no revision {:?}", repo.revision))?;
            String::from_utf8(commit)?.trim().to_owned()
        };
        // A clone of the mirror links its files.
        let mut clone = git_command(&self.root);
        clone.args(["clone", "--quiet", "--no-checkout", "--"]);
        run(clone.arg(&mirror).arg(folder), None).await?;
        git(folder, ["remote", "set-url", "origin", &repo.url]).await?;
        git(folder, ["checkout", "--quiet", "--detach", &commit]).await?;
        if let Some((_, patch)) = saved.filter(|(_, patch)| !patch.is_empty()) {
            let mut apply = git_command(folder);
            apply.args(["apply", "--binary", "--whitespace=nowarn", "-"]);
            run(&mut apply, Some(patch)).await?;
        }
        let mut made_of = self.made_of.lock().unwrap_or_else(PoisonError::into_inner);
        made_of.insert(folder.to_owned(), (mirror, commit));
        Ok(())
    }

    /// Compares a checkout with its commit.
    ///
    /// Git runs with the repository of the mirror: in that of the checkout the agent may have configured programs for
    /// it to start.
    async fn patch(&self, folder: &Path, mirror: &Path, commit: &str) -> Result<Vec<u8>, Cause> {
        let mut index = folder.as_os_str().to_owned();
        index.push(".index");
        let index = PathBuf::from(index);
        let command = |arguments: &[&str]| {
            let mut command = git_command(folder);
            command
                .arg("--git-dir")
                .arg(mirror)
                .arg("--work-tree")
                .arg(folder)
                .args(["-c", "core.bare=false"])
                .args(arguments)
                .env("GIT_INDEX_FILE", &index);
            command
        };
        let diff = [
            "diff",
            "--cached",
            "--binary",
            "--no-ext-diff",
            "--no-textconv",
            commit,
        ];
        let made = async {
            run(&mut command(&["read-tree", commit]), None).await?;
            run(
                &mut command(&["add", "--all", "--ignore-errors", "."]),
                None,
            )
            .await?;
            run(&mut command(&diff), None).await
        };
        let made = made.await;
        let _ = tokio::fs::remove_file(&index).await;
        made
    }
}

impl Workspace for GitCheckout {
    fn prepare<'a>(
        &'a self,
        task: &'a Task,
        attempt: u32,
        saved: Option<&'a [u8]>,
    ) -> WorkspaceFuture<'a, PathBuf> {
        Box::pin(async move {
            let token = Token::of(task.key())?;
            let name = format!("{}-{attempt}", token.as_str());
            let jobs = self.root.join("jobs");
            self.cleared.get_or_try_init(|| remove(&jobs)).await?;
            tokio::fs::create_dir_all(&jobs).await?;
            // The runtime tells folders without links.
            let root = tokio::fs::canonicalize(&self.root).await?;
            let folder = root.join("jobs").join(name);
            remove(&folder).await?;
            match task.repository() {
                Some(repo) => self.check_out(repo, &folder, saved).await?,
                None => tokio::fs::create_dir(&folder).await?,
            }
            Ok(folder)
        })
    }

    fn save<'a>(&'a self, folder: &'a Path) -> WorkspaceFuture<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let made_of = {
                let made_of = self.made_of.lock().unwrap_or_else(PoisonError::into_inner);
                made_of.get(folder).cloned()
            };
            let Some((mirror, commit)) = made_of else {
                return Ok(None);
            };
            let patch = self.patch(folder, &mirror, &commit).await?;
            if patch.len() > LARGEST_PATCH {
                tracing::warn!(
                    bytes = patch.len(),
                    "the changes of a workspace are too large to be saved"
                );
                return Ok(None);
            }
            Ok(Some([commit.as_bytes(), b"\n", &patch].concat()))
        })
    }

    fn release<'a>(&'a self, folder: &'a Path) -> WorkspaceFuture<'a, ()> {
        Box::pin(async move {
            self.made_of
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(folder);
            remove(folder).await
        })
    }
}

/// Reads what was saved: a commit, and the changes since.
fn read_saved(saved: &[u8]) -> Result<(&str, &[u8]), Cause> {
    let end = saved.iter().position(|&byte| byte == b'\n');
    let (commit, patch) = saved.split_at(end.ok_or("no commit stands before the changes")?);
    let commit = std::str::from_utf8(commit)?;
    if !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("no commit stands before the changes".into());
    }
    Ok((commit, &patch[1..]))
}

async fn git<'a>(
    folder: &Path,
    arguments: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<u8>, Cause> {
    run(git_command(folder).args(arguments), None).await
}

fn git_command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .current_dir(folder)
        .env("GIT_TERMINAL_PROMPT", "0")
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .kill_on_drop(true)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs git and returns its output. The error has what it says, without the login of a URL.
async fn run(command: &mut Command, input: Option<&[u8]>) -> Result<Vec<u8>, Cause> {
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    let failed = |error: std::io::Error| format!("git does not run: {error}");
    let mut child = command.spawn().map_err(failed)?;
    let stdin = child.stdin.take();
    let feeding = async {
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            // A git that has failed does not read: its error counts.
            let _ = stdin.write_all(input).await;
        }
    };
    let ((), output) = tokio::join!(feeding, child.wait_with_output());
    let output = output.map_err(failed)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let name = command.as_std().get_args().find(|argument| {
        let argument: &OsStr = argument;
        !argument.to_string_lossy().starts_with('-')
    });
    let name = name.unwrap_or_default().to_string_lossy();
    Err(format!(
        "git {name}: {}: {}",
        output.status,
        without_logins(said.trim())
    )
    .into())
}

/// Removes what stands between `://` and `@`.
fn without_logins(text: &str) -> String {
    let mut clean = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        clean.push_str(before);
        clean.push_str("://");
        let end = after
            .find(|c: char| c == '/' || c.is_whitespace() || c == '\'')
            .unwrap_or(after.len());
        rest = match after[..end].rfind('@') {
            Some(at) => &after[at + 1..],
            None => after,
        };
    }
    clean + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_of_urls_are_not_repeated() {
        assert_eq!(
            without_logins("fatal: 'https://user:secret@host/x.git' and ssh://me@h not found"),
            "fatal: 'https://host/x.git' and ssh://h not found"
        );
        assert_eq!(without_logins("no url @ here"), "no url @ here");
    }

    async fn commit_file(folder: &Path, text: &str) {
        std::fs::write(folder.join("file"), text).unwrap();
        git(folder, ["add", "."]).await.unwrap();
        let author = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        let commit = author.into_iter().chain(["commit", "--quiet", "-m", "m"]);
        git(folder, commit).await.unwrap();
    }

    #[tokio::test]
    async fn changes_travel_from_checkout_to_checkout() {
        let place = tempfile::tempdir().unwrap();
        let origin = place.path().join("origin");
        std::fs::create_dir(&origin).unwrap();
        git(&origin, ["init", "--quiet", "-b", "main"])
            .await
            .unwrap();
        commit_file(&origin, "one\n").await;
        let task = Task::new("a/b", "x").repo(origin.to_str().unwrap(), "main");
        let here = GitCheckout::at(place.path().join("here"));
        let folder = here.prepare(&task, 1, None).await.unwrap();
        assert_eq!(
            std::fs::read_to_string(folder.join("file")).unwrap(),
            "one\n"
        );
        let unchanged = here.save(&folder).await.unwrap().unwrap();
        assert_eq!(read_saved(&unchanged).unwrap().1, b"");
        std::fs::write(folder.join("file"), "two\n").unwrap();
        std::fs::write(folder.join("new"), b"\x00\xff").unwrap();
        // What the agent configures for git is not run.
        let spy = place.path().join("spy");
        let hook = format!("touch {}", spy.display());
        git(&folder, ["config", "core.fsmonitor", &hook])
            .await
            .unwrap();
        git(&folder, ["config", "filter.x.clean", &hook])
            .await
            .unwrap();
        std::fs::write(folder.join(".gitattributes"), "* filter=x\n").unwrap();
        let saved = here.save(&folder).await.unwrap().unwrap();
        assert!(!spy.exists());
        here.release(&folder).await.unwrap();
        assert!(!folder.exists());

        // The branch goes on meanwhile.
        commit_file(&origin, "three\n").await;
        let there = GitCheckout::at(place.path().join("there"));
        let folder = there.prepare(&task, 2, Some(&saved)).await.unwrap();
        assert_eq!(
            std::fs::read_to_string(folder.join("file")).unwrap(),
            "two\n"
        );
        assert_eq!(std::fs::read(folder.join("new")).unwrap(), b"\x00\xff");
        // Saved again, it is all there.
        let again = there.save(&folder).await.unwrap().unwrap();
        assert_eq!(again, saved);

        let error = here
            .prepare(
                &Task::new("c", "x").repo(origin.to_str().unwrap(), "gone"),
                1,
                None,
            )
            .await
            .unwrap_err();
        assert!(error.to_string().contains("\"gone\""), "{error}");
        // What was left by a process that was killed is gone.
        let next = GitCheckout::at(place.path().join("there"));
        next.prepare(&Task::new("f", "x"), 1, None).await.unwrap();
        assert!(!folder.exists());
        let option = Task::new("d", "x").repo("--upload-pack=touch", "main");
        assert!(here.prepare(&option, 1, None).await.is_err());
        let empty = here.prepare(&Task::new("e", "x"), 1, None).await.unwrap();
        assert_eq!(std::fs::read_dir(&empty).unwrap().count(), 0);
    }
}
