//! The machine's yardstick: what one send and one receive over loopback cost, in one thread.
//!
//! Virtual machines change speed from hour to hour. Beside figures from another day this says how
//! fast the kernel was on each.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Instant;

/// Payload bytes: a small message, as in e1 and e2.
const SIZE: usize = 64;

/// Pairs per sample, about 10 ms, and samples; the median shrugs off an interrupted one.
const PAIRS: u32 = 4_000;
const SAMPLES: usize = 15;

/// Measures and prints one line of JSON.
pub fn measure() -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut near = TcpStream::connect(listener.local_addr()?)?;
    let (mut far, _) = listener.accept()?;
    near.set_nodelay(true)?;
    let mut samples = Vec::new();
    for _ in 0..SAMPLES {
        let began = Instant::now();
        for _ in 0..PAIRS {
            near.write_all(&[1; SIZE])?;
            far.read_exact(&mut [0; SIZE])?;
        }
        samples.push(began.elapsed().as_secs_f64() * 1e6 / f64::from(PAIRS));
    }
    samples.sort_by(f64::total_cmp);
    println!("{}", serde_json::json!({ "pairUs": samples[SAMPLES / 2] }));
    Ok(())
}
