//! Unix sockets: how one is bound, called and removed.
//!
//! An accepted or connected one is handed on as a stream of the system's like any other: what links do with a
//! socket (read, write, shut down) is the same, and neither address nor TCP option is asked of it.

use std::{
    fs, io,
    os::{
        fd::OwnedFd,
        unix::{fs::MetadataExt, net::UnixListener},
    },
    path::{Path, PathBuf},
};

use socket2::{Domain, SockAddr, Socket, Type};

use super::Listener;
use crate::error::{Code, Error, Result};

/// A bound Unix socket. Its file goes with it.
pub(crate) struct LocalListener {
    pub(crate) listener: UnixListener,
    pub(crate) file: SocketFile,
}

/// The file of a bound socket: removed at the end, unless somebody else has put another there.
pub(crate) struct SocketFile {
    path: PathBuf,
    identity: Option<Identity>,
}

impl SocketFile {
    fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            identity: identity_of(path),
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.identity.is_some() && identity_of(&self.path) == self.identity {
            // It may be gone, or its directory closed to us by now: then it stays behind, as after a crash.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Device and inode: another file at the same path has others.
pub(super) type Identity = (u64, u64);

pub(super) fn identity_of(path: &Path) -> Option<Identity> {
    let metadata = fs::symlink_metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Binds and listens; the socket does not block.
pub(crate) fn listen(path: &Path, backlog: i32) -> Result<Listener> {
    let failed = |error| {
        let context = format!("listening on {}", path.display());
        Error::system(Code::AddressUnavailable, context, error)
    };
    let address = SockAddr::unix(path).map_err(failed)?;
    let socket = new_socket().map_err(failed)?;
    socket.bind(&address).map_err(failed)?;
    let file = SocketFile::at(path);
    socket.listen(backlog).map_err(failed)?;
    let listener = UnixListener::from(OwnedFd::from(socket));
    Ok(Listener::Local(LocalListener { listener, file }))
}

/// A connection to the socket at `path`. It stands at once or not at all: where its server has too many that wait
/// it fails, as it does on the other backend.
pub(crate) fn connect(path: &Path) -> Result<std::net::TcpStream> {
    let failed = |error: io::Error| {
        let context = format!("connecting to {}", path.display());
        // Where there is no file nobody listens.
        let code = match error.kind() {
            io::ErrorKind::NotFound => Code::ConnectRefused,
            _ => Code::ConnectFailed,
        };
        Error::system(code, context, error)
    };
    let address = SockAddr::unix(path).map_err(failed)?;
    let socket = new_socket().map_err(failed)?;
    socket.connect(&address).map_err(failed)?;
    Ok(OwnedFd::from(socket).into())
}

fn new_socket() -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
