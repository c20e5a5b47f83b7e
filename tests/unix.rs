//! Unix sockets: what is bound, who may connect, what is left behind and what is not.
#![cfg(unix)]

mod support;

use std::{
    fs,
    os::unix::{
        fs::{FileTypeExt, PermissionsExt},
        net::UnixListener,
    },
    path::PathBuf,
};

use qwormhole::{Code, Error, Options, Protocol, connect, listen, listen_all};
use support::{ANY, meet, next, payload, send_all, soon};

/// A directory of its own for each test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("qw-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("chat.sock")
    }

    fn url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Leaves a socket behind, as a server that is killed does.
    fn abandon(&self) {
        drop(UnixListener::bind(self.socket()).expect("binds"));
        let metadata = fs::symlink_metadata(self.socket()).expect("a file");
        assert!(metadata.file_type().is_socket());
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn replacing() -> Options {
    Options {
        replace_stale_socket: true,
        ..Options::default()
    }
}

async fn refused(url: &str, options: Options) -> Error {
    listen(url, options).await.expect_err("refused")
}

#[tokio::test]
async fn messages_of_every_protocol_go_both_ways() {
    for protocol in [Protocol::Qwh, Protocol::LengthPrefixed, Protocol::Raw] {
        let folder = Folder::new("protocols");
        let options = Options {
            protocol,
            ..Options::default()
        };
        let server = listen(folder.url(), options.clone())
            .await
            .expect("listens");
        assert_eq!(server.address(), folder.url());
        let (mut connection, mut client) = meet(&server, options).await;
        assert_eq!(client.handshake().is_some(), protocol == Protocol::Qwh);
        send_all(&client, [payload(1, 5_000)]).await;
        assert_eq!(next(&mut connection).await, payload(1, 5_000));
        send_all(&connection, [payload(2, 5_000)]).await;
        assert_eq!(next(&mut client).await, payload(2, 5_000));
    }
}

#[tokio::test]
async fn nobody_has_an_address() {
    let folder = Folder::new("addresses");
    let server = listen(folder.url(), Options::default())
        .await
        .expect("listens");
    let (connection, client) = meet(&server, Options::default()).await;
    let all = [
        server.local_addr(),
        connection.remote_addr(),
        client.local_addr(),
    ];
    assert!(
        all.iter()
            .all(|at| at.ip().is_unspecified() && at.port() == 0)
    );
}

#[tokio::test]
async fn an_endpoint_of_any_path_can_be_called_as_it_is_told() {
    let folder = Folder::new("names");
    let path = folder.0.join("a b?#%\u{fc}.sock");
    let url = format!("UNIX://{}/a%20b%3F%23%25%C3%BC.sock", folder.0.display());
    let server = listen(url, Options::default()).await.expect("listens");
    assert!(path.exists());
    meet(&server, Options::default()).await;
}

#[tokio::test]
async fn it_is_one_endpoint_among_others() {
    let folder = Folder::new("others");
    let endpoints = [folder.url(), ANY.to_owned()];
    let server = listen_all(endpoints, Options::default())
        .await
        .expect("listens");
    for url in server.addresses() {
        let connecting = connect(url, Options::default());
        let (client, connection) = soon(async { tokio::join!(connecting, server.accept()) }).await;
        client.expect("connects");
        connection.expect("accepts");
    }
}

#[tokio::test]
async fn the_file_goes_with_the_server() {
    let folder = Folder::new("gone");
    let server = listen(folder.url(), Options::default())
        .await
        .expect("listens");
    assert!(folder.socket().exists());
    drop(server);
    assert!(!folder.socket().exists());
}

#[tokio::test]
async fn the_file_has_the_permissions_that_were_asked_for() {
    let folder = Folder::new("mode");
    let options = Options {
        socket_mode: Some(0o620),
        ..Options::default()
    };
    let _server = listen(folder.url(), options).await.expect("listens");
    let mode = fs::metadata(folder.socket()).expect("a file").permissions();
    assert_eq!(mode.mode() & 0o777, 0o620);
}

#[tokio::test]
async fn what_was_left_behind_is_replaced_only_where_that_is_allowed() {
    let folder = Folder::new("stale");
    folder.abandon();
    let called = connect(folder.url(), Options::default()).await;
    assert_eq!(called.expect_err("refused").code(), Code::ConnectRefused);
    let error = refused(&folder.url(), Options::default()).await;
    assert_eq!(error.code(), Code::SocketStale, "{error}");
    let server = listen(folder.url(), replacing()).await.expect("listens");
    meet(&server, Options::default()).await;
}

#[tokio::test]
async fn what_others_need_is_never_touched() {
    let folder = Folder::new("others-need");
    let server = listen(folder.url(), Options::default())
        .await
        .expect("listens");
    for options in [Options::default(), replacing()] {
        let error = refused(&folder.url(), options).await;
        assert_eq!(error.code(), Code::AddressInUse, "{error}");
    }
    meet(&server, Options::default()).await;
    drop(server);

    fs::write(folder.socket(), "precious").expect("writes");
    let error = refused(&folder.url(), replacing()).await;
    assert_eq!(error.code(), Code::AddressInUse, "{error}");
    assert!(folder.socket().exists());
}

#[tokio::test]
async fn who_is_not_there_is_told_by_a_code() {
    let folder = Folder::new("nobody");
    let called = connect(folder.url(), Options::default()).await;
    assert_eq!(called.expect_err("refused").code(), Code::ConnectRefused);
    let url = format!("unix://{}/none/chat.sock", folder.0.display());
    let error = refused(&url, Options::default()).await;
    assert_eq!(error.code(), Code::AddressUnavailable, "{error}");
    let long = format!("unix:///{}", "a".repeat(200));
    assert_eq!(
        refused(&long, Options::default()).await.code(),
        Code::EndpointInvalid
    );
}
