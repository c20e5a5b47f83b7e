//! A WebSocket server for tests: it echoes, or sends what it gets to all subscribers, and can be made to
//! do it wrong.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::frame::{self, KEY, Sender};
use crate::handshake;
use crate::options::LoadOptions;
use crate::scenario::Work;
use crate::wire::Wire;

/// Changes the payload of a message that is about to be sent.
pub type Twist = fn(&mut Vec<u8>);

type Subscribers = Arc<Mutex<Vec<TcpStream>>>;

/// Opens a server and returns a short load for it.
pub fn open(work: Work, twist: Twist) -> LoadOptions {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let subscribers = Subscribers::default();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, subscribers) = (stream.unwrap(), subscribers.clone());
            // A client that leaves ends its thread.
            std::thread::spawn(move || {
                let _ = serve(stream, work, twist, &subscribers);
            });
        }
    });
    LoadOptions {
        address,
        path: "/".into(),
        scenario: None,
        wire: Wire::WebSocket,
        tls: false,
        work,
        connections: 3,
        window: 2,
        size: 200,
        measured: Duration::from_millis(50),
        warmup: Duration::from_millis(10),
        rate: 0,
        pid: None,
        collect: false,
        pin: None,
        json: false,
    }
}

fn serve(
    mut stream: TcpStream,
    work: Work,
    twist: Twist,
    subscribers: &Subscribers,
) -> io::Result<()> {
    let mut input = Vec::new();
    let end = loop {
        if let Some(end) = handshake::end(&input) {
            break end;
        }
        read(&mut stream, &mut input)?;
    };
    let response = handshake::response(&input[..end]).ok_or(ErrorKind::InvalidData)?;
    stream.write_all(response.as_bytes())?;
    input.drain(..end);
    loop {
        let (opcode, mut payload) = receive(&mut stream, &mut input)?;
        match (work, opcode) {
            (Work::Fanout, frame::TEXT) => {
                subscribers.lock().unwrap().push(stream.try_clone()?);
                send(&mut stream, frame::TEXT, b"subscribed")?;
            }
            (Work::Fanout, frame::BINARY) => {
                twist(&mut payload);
                for subscriber in &mut *subscribers.lock().unwrap() {
                    send(subscriber, frame::BINARY, &payload)?;
                }
            }
            (_, frame::BINARY) => {
                // A ping between messages must disturb nobody.
                send(&mut stream, frame::PING, b"there?")?;
                twist(&mut payload);
                send(&mut stream, frame::BINARY, &payload)?;
            }
            (_, frame::CLOSE) => return send(&mut stream, frame::CLOSE, &payload),
            _ => {}
        }
    }
}

fn receive(stream: &mut TcpStream, input: &mut Vec<u8>) -> io::Result<(u8, Vec<u8>)> {
    loop {
        let head = frame::head(input, Sender::Client).map_err(io::Error::other)?;
        let whole = head.filter(|head| input.len() >= head.header + head.size);
        let Some(head) = whole else {
            read(stream, input)?;
            continue;
        };
        let mut key = [0; KEY];
        key.copy_from_slice(&input[head.header - KEY..head.header]);
        let mut payload = input[head.header..head.header + head.size].to_vec();
        frame::mask(&mut payload, key);
        input.drain(..head.header + head.size);
        return Ok((head.opcode, payload));
    }
}

fn send(stream: &mut TcpStream, opcode: u8, payload: &[u8]) -> io::Result<()> {
    let mut output = vec![0; 10];
    let header = frame::write_header(&mut output, opcode, payload.len(), Sender::Server);
    output.truncate(header);
    output.extend_from_slice(payload);
    stream.write_all(&output)
}

fn read(stream: &mut TcpStream, input: &mut Vec<u8>) -> io::Result<()> {
    let mut chunk = [0; 4096];
    match stream.read(&mut chunk)? {
        0 => Err(ErrorKind::UnexpectedEof.into()),
        count => {
            input.extend_from_slice(&chunk[..count]);
            Ok(())
        }
    }
}
