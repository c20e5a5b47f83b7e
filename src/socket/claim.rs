//! Taking a path for a Unix socket: a server that was killed has left its file there, and who may connect is a
//! matter of permissions.
//!
//! The rules are those of the TypeScript side (`ts/policy/socket-file.ts`), for programs in Rust.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::Path,
};

use super::{
    FileRules, Listener,
    local::{self, identity_of},
};
use crate::error::{Code, Error, Result};

/// Binds and listens, in the place of a socket on which nobody does any more if `rules` allow it.
pub(crate) fn claim(path: &Path, backlog: i32, rules: FileRules) -> Result<Listener> {
    let listener = match local::listen(path, backlog) {
        Err(error) if error.code() == Code::AddressInUse => {
            make_room(path, rules.replace_stale, error)?;
            local::listen(path, backlog)?
        }
        bound => bound?,
    };
    if let Some(mode) = rules.mode {
        let failed = |error| {
            let context = format!("setting the permissions of {}", path.display());
            Error::system(Code::Permission, context, error)
        };
        fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed)?;
    }
    Ok(listener)
}

/// Removes what nobody listens on, if that is allowed; an error is what stands in the way, `taken` unless there is
/// more to say.
fn make_room(path: &Path, may_replace: bool, taken: Error) -> Result<()> {
    let stopped = |code, why| {
        let context = format!("listening on {}: {why}", path.display());
        Error::new(code, context)
    };
    let Ok(found) = fs::symlink_metadata(path) else {
        // Removed meanwhile.
        return Ok(());
    };
    if !found.file_type().is_socket() {
        return Err(stopped(Code::AddressInUse, "it is a file, no socket"));
    }
    let identity = identity_of(path);
    if !is_stale(path) {
        return Err(taken);
    }
    if !may_replace {
        let why = "nobody does, its file is left over";
        return Err(stopped(Code::SocketStale, why));
    }
    // Another server may have been as quick: its socket is not to be taken from under it.
    if identity_of(path) != identity {
        return Err(taken);
    }
    let failed = |error| {
        let context = format!("removing {}", path.display());
        Error::system(Code::Permission, context, error)
    };
    fs::remove_file(path).map_err(failed)
}

/// Whether nobody takes connections there.
fn is_stale(path: &Path) -> bool {
    local::connect(path).is_err_and(|error| error.code() == Code::ConnectRefused)
}
