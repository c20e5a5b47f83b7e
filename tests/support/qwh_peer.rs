//! A client of QWH/1 that shakes hands and then does with its bytes what the test wants.

use std::net::SocketAddr;

use qwormhole::qwh::{
    Carrier, Event, Handshake, Hello, PeerLimits, Session, Settings, Side, Versions,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A stream on which both ends are ready.
pub async fn shake(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let mut handshake = Handshake::new(Settings {
        side: Side::Initiator,
        carrier: Carrier::Stream,
        hello: hello(),
        exporter: None,
        route: None,
    })
    .expect("legal");
    loop {
        while let Some(event) = handshake.next_event() {
            match event {
                Event::Send(bytes) => stream.write_all(&bytes).await.expect("writes"),
                Event::Verify(_) => handshake.accept(),
                Event::Ready(_) => return stream,
                Event::Failed(failure) => panic!("{failure:?}"),
            }
        }
        // One byte at a time: nothing behind the handshake is taken.
        let byte = stream.read_u8().await.expect("an answer");
        assert_eq!(handshake.receive(&[byte]), 1);
    }
}

fn hello() -> Hello {
    Hello {
        versions: Versions { min: 1, max: 1 },
        offered: 0,
        required: 0,
        limits: PeerLimits::default(),
        codec: "buffer".to_owned(),
        session: Some(Session::Wish {
            sid: [7; 16],
            epoch: 0,
            token: [0; 32],
        }),
        meta: None,
        trace: None,
        extensions: Vec::new(),
    }
}
