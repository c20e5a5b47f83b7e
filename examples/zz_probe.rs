//! x
use qwormhole::*;
use std::time::Instant;
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let server = listen("tcp://127.0.0.1:0", Options::default()).await.unwrap();
    let mut client = connect(server.address(), Options::default()).await.unwrap();
    let mut conn = server.accept().await.unwrap();
    tokio::spawn(async move { while let Some(m) = conn.recv().await { let m = m.unwrap(); let t = Instant::now(); let _ = conn.send(m).unwrap(); conn.drained().await.unwrap(); if t.elapsed().as_millis() > 5 { eprintln!("drain {:?}", t.elapsed()); } } });
    for size in [1usize, 65536, 1 << 20, 4 << 20, 4<<20, 4<<20] {
        let t = Instant::now();
        let _ = client.send(vec![1; size]).unwrap();
        client.flushed().await.unwrap();
        let f = t.elapsed();
        client.recv().await.unwrap().unwrap();
        eprintln!("{size} flushed {f:?} back {:?}", t.elapsed());
    }
}
