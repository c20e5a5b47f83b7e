//! What a run prints: one line of JSON for programs, a few lines of text for people.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cpu::Usage;
use crate::load::Outcome;
use crate::options::LoadOptions;

/// The run as one JSON value. All processor times are microseconds per message.
pub fn json(options: &LoadOptions, outcome: &Outcome) -> Value {
    json!({
        "scenario": options.scenario,
        "connections": options.connections,
        "window": options.window,
        "size": options.size,
        "seconds": outcome.elapsed.as_secs_f64(),
        "pin": options.pin,
        "messages": outcome.messages,
        "checked": outcome.checked,
        "messagesPerSecond": rate(outcome),
        "megabytesPerSecond": megabytes(options, outcome),
        "messagesPerBatch": batch(outcome),
        "latencyUs": {
            "p50": percentile(outcome, 50.0),
            "p90": percentile(outcome, 90.0),
            "p99": percentile(outcome, 99.0),
            "max": outcome.latency.max() as f64 / 1e3,
        },
        "server": outcome.server.as_ref().map(|usage| server(outcome, usage)),
    })
}

fn server(outcome: &Outcome, usage: &Usage) -> Value {
    let threads = usage.threads.iter().map(|thread| {
        json!({
            "id": thread.id,
            "name": thread.name,
            "main": thread.main,
            "cpuUs": per_message(outcome, thread.spent),
        })
    });
    json!({
        "cpuUs": per_message(outcome, usage.process),
        "userUs": per_message(outcome, usage.user),
        "systemUs": per_message(outcome, usage.system),
        "mainUs": usage.threads.iter().find(|thread| thread.main).map(|thread| per_message(outcome, thread.spent)),
        "threads": threads.collect::<Vec<_>>(),
    })
}

/// The run for a person.
pub fn text(options: &LoadOptions, outcome: &Outcome) -> String {
    let mut text = format!(
        "{} connections x {} in flight x {} B, {:.2} s: {} messages, all {} replies byte for byte\n\
         {:.0} messages/s, {:.1} MB/s, {:.1} messages per read\n\
         latency us: p50 {:.1}  p90 {:.1}  p99 {:.1}  max {:.1}\n",
        options.connections,
        options.window,
        options.size,
        outcome.elapsed.as_secs_f64(),
        outcome.messages,
        outcome.checked,
        rate(outcome),
        megabytes(options, outcome),
        batch(outcome),
        percentile(outcome, 50.0),
        percentile(outcome, 90.0),
        percentile(outcome, 99.0),
        outcome.latency.max() as f64 / 1e3,
    );
    if let Some(usage) = &outcome.server {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "server us/message: {:.3} (user {:.3}, system {:.3})",
            per_message(outcome, usage.process),
            per_message(outcome, usage.user),
            per_message(outcome, usage.system),
        );
        for thread in &usage.threads {
            let main = if thread.main { " (main)" } else { "" };
            let _ = writeln!(
                text,
                "  {:.3} {}{main}",
                per_message(outcome, thread.spent),
                thread.name
            );
        }
    }
    text
}

fn rate(outcome: &Outcome) -> f64 {
    outcome.messages as f64 / outcome.elapsed.as_secs_f64()
}

/// Payload only, one direction.
fn megabytes(options: &LoadOptions, outcome: &Outcome) -> f64 {
    rate(outcome) * options.size as f64 / 1e6
}

/// How many replies came at once. Near 1, what is measured is the price of system calls.
fn batch(outcome: &Outcome) -> f64 {
    outcome.messages as f64 / outcome.batches as f64
}

fn percentile(outcome: &Outcome, percent: f64) -> f64 {
    outcome.latency.value_at_percentile(percent) as f64 / 1e3
}

fn per_message(outcome: &Outcome, spent: Duration) -> f64 {
    spent.as_secs_f64() * 1e6 / outcome.messages as f64
}
