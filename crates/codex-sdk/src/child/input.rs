//! The child's standard input, as its owner writes to it.

#[cfg(not(unix))]
pub(crate) use tokio::process::ChildStdin as Input;

#[cfg(unix)]
pub(crate) use socket::Input;

#[cfg(unix)]
mod socket {
    use std::io;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream as Blocking;
    use std::pin::Pin;
    use std::process::Stdio;
    use std::task::{Context, Poll, ready};

    use rustix::net::{SendFlags, send};
    use tokio::io::{AsyncWrite, Interest};
    use tokio::net::UnixStream;

    /// Writing to a child that has closed its input must not signal this process: where the signal
    /// has its default action, which some hosts restore, it kills. A pipe always signals, a socket
    /// does as it is told.
    #[cfg(not(target_vendor = "apple"))]
    const FLAGS: SendFlags = SendFlags::NOSIGNAL;
    /// The socket was told when it was made.
    #[cfg(target_vendor = "apple")]
    const FLAGS: SendFlags = SendFlags::empty();

    /// The end of a socket pair whose other end is the child's standard input.
    ///
    /// Dropping it ends the child's input.
    #[derive(Debug)]
    pub(crate) struct Input(UnixStream);

    impl Input {
        /// Makes the pair.
        ///
        /// # Errors
        ///
        /// What the system reports, such as too many open files.
        ///
        /// # Panics
        ///
        /// In a tokio runtime without IO.
        pub(crate) fn pair() -> io::Result<(Self, Stdio)> {
            let (own, its) = Blocking::pair()?;
            #[cfg(target_vendor = "apple")]
            rustix::net::sockopt::set_socket_nosigpipe(&own, true)?;
            own.set_nonblocking(true)?;
            Ok((Self(UnixStream::from_std(own)?), OwnedFd::from(its).into()))
        }
    }

    impl AsyncWrite for Input {
        fn poll_write(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            loop {
                ready!(self.0.poll_write_ready(cx))?;
                let sent = self.0.try_io(Interest::WRITABLE, || {
                    rustix::io::retry_on_intr(|| send(&self.0, bytes, FLAGS)).map_err(Into::into)
                });
                match sent {
                    // It was full after all; now it is waited for.
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    sent => return Poll::Ready(sent),
                }
            }
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(cx)
        }
    }
}
