//! Answers each line of standard input, a request, with a line: what the Rust side of QWH/1 makes of it.
//! `test/differential/qwh.test.ts` compares that with what TypeScript makes of it.

#[path = "../../../tests/support/qwh.rs"]
mod qwh;

use std::io::{self, BufRead, Write};

fn main() -> io::Result<()> {
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let request = serde_json::from_str(&line?)?;
        writeln!(output, "{}", qwh::verdict(&request))?;
        output.flush()?;
    }
    Ok(())
}
