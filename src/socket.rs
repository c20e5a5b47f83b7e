//! Socket options: what they mean and how they are set.
//!
//! An option that the platform does not have is an error, never ignored.

use std::{
    io::{self, IoSlice},
    net::{Shutdown, SocketAddr, TcpListener},
    time::Duration,
};

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
#[cfg(target_os = "linux")]
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::error::{Code, Error, Result};

#[cfg(unix)]
mod claim;
#[cfg(unix)]
pub(crate) mod local;
#[cfg(unix)]
pub(crate) use claim::claim;
#[cfg(unix)]
pub(crate) use local::connect as connect_local;
#[cfg(all(unix, feature = "addon"))]
pub(crate) use local::listen as listen_local;

/// How much unsent data the kernel takes unless told otherwise, bytes: what the kernel has is overtaken by nothing,
/// and left to itself it takes megabytes. Twice as much is packed on our side, which keeps it busy: throughput on
/// loopback is the same as without.
const NOT_SENT_LOW: u32 = 32 * 1024;

/// Options of a TCP socket.
#[derive(Clone, Debug)]
pub struct SocketOptions {
    /// Sends small segments at once (TCP_NODELAY). Default true.
    pub no_delay: bool,
    /// Idle time before the first keepalive probe; `None` sends none. Default one minute.
    pub keep_alive: Option<Duration>,
    /// SO_RCVBUF, bytes. Default: the system's.
    pub receive_buffer: Option<usize>,
    /// SO_SNDBUF, bytes. Default: the system's.
    pub send_buffer: Option<usize>,
    /// TCP_NOTSENT_LOWAT, bytes (Linux, Android, macOS): how much unsent data the kernel takes, and so
    /// how much a high message cannot overtake. Default 32 KiB where the kernel can.
    pub not_sent_low_at: Option<u32>,
    /// TCP_USER_TIMEOUT (Linux, Android): how long written data may stay unacknowledged before the
    /// kernel gives the connection up. Default: the system's.
    pub user_timeout: Option<Duration>,
    /// Name of the network device to bind to (SO_BINDTODEVICE on Linux, IP_BOUND_IF on macOS).
    pub interface: Option<String>,
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self {
            no_delay: true,
            keep_alive: Some(Duration::from_secs(60)),
            receive_buffer: None,
            send_buffer: None,
            not_sent_low_at: None,
            user_timeout: None,
            interface: None,
        }
    }
}

/// What a listening socket has besides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListenFlags {
    pub backlog: i32,
    pub reuse_port: bool,
    pub ipv6_only: bool,
}

/// What may be done with the file of a Unix socket.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(unix), allow(dead_code, reason = "there are no such files"))]
pub(crate) struct FileRules {
    /// Its permissions; `None` leaves them to the process's umask.
    pub mode: Option<u32>,
    /// One on which nobody listens any more may be replaced.
    pub replace_stale: bool,
}

/// A socket that listens.
pub(crate) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Local(local::LocalListener),
}

/// Binds and listens; the socket does not block.
pub(crate) fn listen(
    at: SocketAddr,
    flags: ListenFlags,
    options: &SocketOptions,
) -> Result<TcpListener> {
    let context = || format!("listening on {at}");
    let failed = |error| Error::system(Code::AddressUnavailable, context(), error);
    let socket = new_socket(at).map_err(failed)?;
    // Without it a restarted server would wait for its predecessor's connections to time out. On
    // Windows the flag means something else: there, sharing the port with a stranger.
    if cfg!(unix) {
        socket.set_reuse_address(true).map_err(failed)?;
    }
    if flags.reuse_port {
        reuse_port(&socket)?;
    }
    if at.is_ipv6() {
        socket.set_only_v6(flags.ipv6_only).map_err(failed)?;
    }
    // Accepted sockets inherit these on Linux; elsewhere `tune_accepted` repeats them.
    apply(&socket, at, options)?;
    socket.bind(&at.into()).map_err(failed)?;
    socket.listen(flags.backlog).map_err(failed)?;
    Ok(socket.into())
}

/// A socket ready to connect to `to`; it does not block.
pub(crate) fn dialing(
    to: SocketAddr,
    local: Option<SocketAddr>,
    options: &SocketOptions,
) -> Result<std::net::TcpStream> {
    let failed = |error| Error::system(Code::ConnectFailed, format!("connecting to {to}"), error);
    let socket = new_socket(to).map_err(failed)?;
    apply(&socket, to, options)?;
    if let Some(local) = local {
        socket.bind(&local.into()).map_err(|error| {
            Error::system(
                Code::AddressUnavailable,
                format!("binding to {local}"),
                error,
            )
        })?;
    }
    Ok(socket.into())
}

/// Gives an accepted socket what it did not inherit from its listener.
pub(crate) fn tune_accepted(
    stream: &TcpStream,
    from: SocketAddr,
    options: &SocketOptions,
) -> Result<()> {
    match cfg!(target_os = "linux") {
        true => Ok(()),
        false => apply_per_connection(&SockRef::from(stream), from, options),
    }
}

/// A descriptor of our own for a connection that others have as number `descriptor`.
///
/// # Errors
/// `Resources` when there is no further descriptor, and for what is no TCP connection.
#[cfg(all(unix, any(feature = "addon", test)))]
#[allow(
    unsafe_code,
    reason = "a number that comes from JavaScript has no owner that the compiler knows"
)]
pub(crate) fn duplicate(descriptor: i32) -> Result<std::net::TcpStream> {
    use std::os::fd::BorrowedFd;

    let failed = |error| Error::system(Code::Resources, "duplicating a descriptor", error);
    // The least number that is none: `BorrowedFd` must not be made of it.
    if descriptor < 0 {
        return Err(Error::new(Code::Resources, "there is no descriptor"));
    }
    // SAFETY: the number is not -1. JavaScript owns it and waits for this call to return, so it stays open;
    // should it be none, the duplication below says so.
    let theirs = unsafe { BorrowedFd::borrow_raw(descriptor) };
    // With close-on-exec, as all of ours.
    let ours = theirs.try_clone_to_owned().map_err(failed)?;
    let stream = std::net::TcpStream::from(ours);
    // A socket of another kind has no such address.
    stream.peer_addr().map_err(failed)?;
    stream.set_nonblocking(true).map_err(failed)?;
    Ok(stream)
}

/// Elsewhere a descriptor of JavaScript's is no socket of the system's.
#[cfg(all(not(unix), any(feature = "addon", test)))]
pub(crate) fn duplicate(_: i32) -> Result<std::net::TcpStream> {
    Err(missing("adopting a connection"))
}

/// Elsewhere there are no Unix sockets.
#[cfg(all(not(unix), feature = "addon"))]
pub(crate) fn listen_local(_: &std::path::Path, _: i32) -> Result<Listener> {
    Err(missing("a Unix socket"))
}

#[cfg(not(unix))]
pub(crate) fn claim(_: &std::path::Path, _: i32, _: FileRules) -> Result<Listener> {
    Err(missing("a Unix socket"))
}

#[cfg(not(unix))]
pub(crate) fn connect_local(_: &std::path::Path) -> Result<std::net::TcpStream> {
    Err(missing("a Unix socket"))
}

/// Writes what the kernel takes at once. Of what is `last` nothing follows but our end, which the kernel waits for:
/// both go out in one segment, and the peer is woken once.
#[cfg(target_os = "linux")]
pub(crate) fn write(stream: &TcpStream, slices: &[IoSlice<'_>], last: bool) -> io::Result<usize> {
    // By the system's own interface: that of the C library is a point of cancellation, which costs as much as the
    // call's way into the kernel.
    use rustix::net::{SendAncillaryBuffer, SendFlags, send, sendmsg};

    let mut flags = SendFlags::NOSIGNAL;
    flags.set(SendFlags::MORE, last);
    stream.try_io(Interest::WRITABLE, || {
        let sent = match slices {
            [one] => send(stream, one, flags),
            many => sendmsg(stream, many, &mut SendAncillaryBuffer::default(), flags),
        };
        sent.map_err(io::Error::from)
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn write(stream: &TcpStream, slices: &[IoSlice<'_>], _last: bool) -> io::Result<usize> {
    match slices {
        [one] => stream.try_write(one),
        many => stream.try_write_vectored(many),
    }
}

/// Ends our side: the peer reads what was written, then the end.
pub(crate) fn end_writing(stream: &TcpStream) {
    // Fails only where the connection is gone, which the next read reports.
    let _ = SockRef::from(stream).shutdown(Shutdown::Write);
}

/// Makes closing the socket reset the connection.
pub(crate) fn reset_on_close(stream: &TcpStream) {
    // Best effort: without it the close is an ordinary one.
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

/// Resets a connection that others made.
#[cfg(any(feature = "fuzzing", test))]
pub(crate) fn reset_on_close_now(stream: &std::net::TcpStream) {
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

fn new_socket(for_address: SocketAddr) -> std::io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(for_address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn apply(socket: &Socket, at: SocketAddr, options: &SocketOptions) -> Result<()> {
    let sized = |name: &'static str| {
        move |error| Error::system(Code::OptionUnsupported, name.to_owned(), error)
    };
    if let Some(bytes) = options.receive_buffer {
        socket
            .set_recv_buffer_size(bytes)
            .map_err(sized("receiveBufferSize"))?;
    }
    if let Some(bytes) = options.send_buffer {
        socket
            .set_send_buffer_size(bytes)
            .map_err(sized("sendBufferSize"))?;
    }
    if let Some(interface) = &options.interface {
        bind_device(socket, at, interface)?;
    }
    apply_per_connection(&SockRef::from(socket), at, options)
}

fn apply_per_connection(socket: &Socket, at: SocketAddr, options: &SocketOptions) -> Result<()> {
    let failed = |error| {
        Error::system(
            Code::OptionUnsupported,
            format!("socket options of {at}"),
            error,
        )
    };
    socket.set_tcp_nodelay(options.no_delay).map_err(failed)?;
    if let Some(idle) = options.keep_alive {
        socket.set_tcp_keepalive(&keepalive(idle)).map_err(failed)?;
    }
    match options.not_sent_low_at {
        Some(bytes) => not_sent_low_at(socket, bytes)?,
        // Nobody asked for it: where the kernel cannot, less is overtaken.
        None => not_sent_low_at(socket, NOT_SENT_LOW).unwrap_or_default(),
    }
    if let Some(timeout) = options.user_timeout {
        user_timeout(socket, timeout)?;
    }
    Ok(())
}

/// Probes from `idle` on, one a second, ten in all: what libuv has, so that both backends notice a peer
/// that is gone after the same time.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn keepalive(idle: Duration) -> TcpKeepalive {
    TcpKeepalive::new()
        .with_time(idle)
        .with_interval(Duration::from_secs(1))
        .with_retries(10)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn keepalive(idle: Duration) -> TcpKeepalive {
    TcpKeepalive::new().with_time(idle)
}

/// The error of an option that this platform does not have.
#[allow(
    dead_code,
    reason = "which options are missing depends on the platform"
)]
fn missing(option: &str) -> Error {
    Error::new(
        Code::OptionUnsupported,
        format!("{option} does not exist on this platform"),
    )
}

#[cfg(unix)]
fn reuse_port(socket: &Socket) -> Result<()> {
    socket
        .set_reuse_port(true)
        .map_err(|error| Error::system(Code::OptionUnsupported, "reusePort", error))
}

#[cfg(not(unix))]
fn reuse_port(_: &Socket) -> Result<()> {
    Err(missing("reusePort"))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn bind_device(socket: &Socket, _: SocketAddr, interface: &str) -> Result<()> {
    socket
        .bind_device(Some(interface.as_bytes()))
        .map_err(|error| no_interface(interface, error))
}

#[cfg(target_vendor = "apple")]
fn bind_device(socket: &Socket, at: SocketAddr, interface: &str) -> Result<()> {
    let index = interface_index(interface)?;
    match at {
        SocketAddr::V4(_) => socket.bind_device_by_index_v4(Some(index)),
        SocketAddr::V6(_) => socket.bind_device_by_index_v6(Some(index)),
    }
    .map_err(|error| no_interface(interface, error))
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn bind_device(_: &Socket, _: SocketAddr, _: &str) -> Result<()> {
    Err(missing("interfaceName"))
}

#[cfg(target_vendor = "apple")]
#[allow(
    unsafe_code,
    reason = "if_nametoindex has no safe wrapper among the dependencies"
)]
fn interface_index(interface: &str) -> Result<std::num::NonZeroU32> {
    unsafe extern "C" {
        fn if_nametoindex(name: *const std::ffi::c_char) -> std::ffi::c_uint;
    }
    let name = std::ffi::CString::new(interface)
        .map_err(|_| Error::new(Code::OptionInvalid, "interfaceName contains a NUL"))?;
    // SAFETY: `name` is a NUL-terminated string that outlives the call, which only reads it.
    let index = unsafe { if_nametoindex(name.as_ptr()) };
    std::num::NonZeroU32::new(index)
        .ok_or_else(|| no_interface(interface, std::io::Error::last_os_error()))
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn no_interface(interface: &str, error: std::io::Error) -> Error {
    Error::system(
        Code::AddressUnavailable,
        format!("binding to the interface {interface}"),
        error,
    )
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn not_sent_low_at(socket: &Socket, bytes: u32) -> Result<()> {
    socket
        .set_tcp_notsent_lowat(bytes)
        .map_err(|error| Error::system(Code::OptionUnsupported, "notSentLowAt", error))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn not_sent_low_at(_: &Socket, _: u32) -> Result<()> {
    Err(missing("notSentLowAt"))
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn user_timeout(socket: &Socket, timeout: Duration) -> Result<()> {
    socket
        .set_tcp_user_timeout(Some(timeout))
        .map_err(|error| Error::system(Code::OptionUnsupported, "userTimeoutMs", error))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn user_timeout(_: &Socket, _: Duration) -> Result<()> {
    Err(missing("userTimeoutMs"))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Read;

    use tokio::net::TcpListener;

    use super::*;

    /// Whether what is last waits for the end, with which it arrives whole.
    async fn goes_with_the_end() -> bool {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut peer = std::net::TcpStream::connect(address).expect("connects");
        peer.set_nonblocking(true).expect("a socket");
        let (ours, _) = listener.accept().await.expect("a connection");
        ours.writable().await.expect("writable");
        let words = [IoSlice::new(b"fare"), IoSlice::new(b"well")];
        assert_eq!(write(&ours, &words, true).expect("written"), 8);
        let mut heard = Vec::new();
        let is_kept = peer.read_to_end(&mut heard).is_err() && heard.is_empty();
        end_writing(&ours);
        peer.set_nonblocking(false).expect("a socket");
        peer.read_to_end(&mut heard).expect("the end");
        assert_eq!(heard, b"farewell");
        is_kept
    }

    #[tokio::test]
    async fn what_is_last_goes_out_with_the_end() {
        // The kernel keeps it for a fifth of a second, which a busy machine may take in between.
        let mut tries = 0;
        while !goes_with_the_end().await {
            tries += 1;
            assert!(tries < 10, "it never waits");
        }
    }
}
