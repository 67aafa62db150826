//! Pipes of `std::io` for a connection: a thread each way.

use std::io::{self, Read, Write};
use std::thread;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::runtime::Handle;

/// How much a pipe holds between its thread and the connection, in bytes.
const SIZE: usize = 64 << 10;

/// Makes the connection's end of a pipe that is read by a thread. That ends with the pipe, or with
/// the first bytes after the connection.
pub(super) fn reading(
    handle: &Handle,
    mut pipe: impl Read + Send + 'static,
) -> io::Result<DuplexStream> {
    let (ours, mut theirs) = tokio::io::duplex(SIZE);
    let handle = handle.clone();
    let copy = move || {
        let mut buffer = vec![0; SIZE];
        loop {
            let read = match pipe.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            let bytes = buffer.get(..read).unwrap_or_default();
            if handle.block_on(theirs.write_all(bytes)).is_err() {
                break;
            }
        }
    };
    spawn("codex-read", copy)?;
    Ok(ours)
}

/// Makes the connection's end of a pipe that is written by a thread. That ends with the connection, or
/// with the pipe.
pub(super) fn writing(
    handle: &Handle,
    mut pipe: impl Write + Send + 'static,
) -> io::Result<DuplexStream> {
    let (ours, mut theirs) = tokio::io::duplex(SIZE);
    let handle = handle.clone();
    let copy = move || {
        let mut buffer = vec![0; SIZE];
        while let Ok(read @ 1..) = handle.block_on(theirs.read(&mut buffer)) {
            let bytes = buffer.get(..read).unwrap_or_default();
            if pipe.write_all(bytes).and_then(|()| pipe.flush()).is_err() {
                break;
            }
        }
    };
    spawn("codex-write", copy)?;
    Ok(ours)
}

fn spawn(name: &str, copy: impl FnOnce() + Send + 'static) -> io::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "a thread of ARCHITECTURE.md")]
    let thread = thread::Builder::new().name(name.into()).spawn(copy);
    thread.map(|_| ())
}
