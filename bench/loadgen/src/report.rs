//! What a run prints, without its last line end: one line of JSON for programs, a few lines of text for
//! people.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cpu::Usage;
use crate::idle::Held;
use crate::options::LoadOptions;
use crate::outcome::{Interval, Outcome};

/// The run as one JSON value. All processor times are microseconds per message.
pub fn json(options: &LoadOptions, outcome: &Outcome) -> Value {
    json!({
        "scenario": options.scenario,
        "connections": options.connections,
        "window": options.window,
        "size": options.size,
        "seconds": outcome.interval.elapsed.as_secs_f64(),
        "pin": options.pin,
        "messages": outcome.messages,
        "checked": outcome.checked,
        "messagesPerSecond": rate(outcome),
        "megabytesPerSecond": megabytes(options, outcome),
        "messagesPerBatch": batch(outcome),
        "latencyUs": {
            "mean": outcome.latency.mean() / 1e3,
            "p50": percentile(outcome, 50.0),
            "p90": percentile(outcome, 90.0),
            "p99": percentile(outcome, 99.0),
            "p999": percentile(outcome, 99.9),
            "max": outcome.latency.max() as f64 / 1e3,
            "histogram": buckets(outcome),
        },
        "loadCpuUs": outcome.interval.load.as_ref().map(|usage| per_message(outcome, usage.process)),
        "server": outcome.interval.server.as_ref().map(|usage| server(outcome, usage)),
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
        "memory": usage.memory,
        "userUs": per_message(outcome, usage.user),
        "systemUs": per_message(outcome, usage.system),
        "mainUs": usage.threads.iter().find(|thread| thread.main).map(|thread| per_message(outcome, thread.spent)),
        "threads": threads.collect::<Vec<_>>(),
    })
}

/// The run for a person.
pub fn text(options: &LoadOptions, outcome: &Outcome) -> String {
    let mut text = format!(
        "{} connections x {} in flight x {} B, {:.2} s: {} messages, {} checked byte for byte\n\
         {:.0} messages/s, {:.1} MB/s, {:.1} messages per read\n\
         latency us: p50 {:.1}  p90 {:.1}  p99 {:.1}  max {:.1}",
        options.connections,
        options.window,
        options.size,
        outcome.interval.elapsed.as_secs_f64(),
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
    if let Some(usage) = &outcome.interval.server {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\nserver us/message: {:.3} (user {:.3}, system {:.3}), {:.1} MB resident",
            per_message(outcome, usage.process),
            per_message(outcome, usage.user),
            per_message(outcome, usage.system),
            usage.memory as f64 / 1e6,
        );
        for thread in &usage.threads {
            let main = if thread.main { " (main)" } else { "" };
            let _ = write!(
                text,
                "\n  {:.3} {}{main}",
                per_message(outcome, thread.spent),
                thread.name
            );
        }
    }
    text
}

/// Connections held, as one JSON value. Memory is in bytes, processor time in microseconds.
pub fn held_json(options: &LoadOptions, held: &Held) -> Value {
    json!({
        "scenario": options.scenario,
        "connections": options.connections,
        "seconds": held.holding.elapsed.as_secs_f64(),
        "pin": options.pin,
        "checked": options.connections,
        "openedPerSecond": opened_per_second(options, held),
        "memory": held.memory.as_ref().map(|memory| json!({
            "empty": memory.empty,
            "held": memory.held,
            "used": memory.used,
            "perConnection": per_connection(options, memory.held, memory.empty),
            "perUsedConnection": per_connection(options, memory.used, memory.empty),
        })),
        "server": spent(&held.opening).map(|opening| json!({
            "cpuUs": opening.as_secs_f64() * 1e6 / f64::from(options.connections),
            "holdingCpuUs": spent(&held.holding).map(|holding| holding.as_secs_f64() * 1e6),
        })),
    })
}

/// Connections held, for a person.
pub fn held_text(options: &LoadOptions, held: &Held) -> String {
    let mut text = format!(
        "{} connections opened at {:.0}/s and held for {:.2} s; all answer",
        options.connections,
        opened_per_second(options, held),
        held.holding.elapsed.as_secs_f64(),
    );
    if let Some(memory) = &held.memory {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\nserver memory: {:.1} MB empty, {:.1} MB with them ({:.0} bytes each), {:.1} MB after a \
             message on each ({:.0})",
            memory.empty as f64 / 1e6,
            memory.held as f64 / 1e6,
            per_connection(options, memory.held, memory.empty),
            memory.used as f64 / 1e6,
            per_connection(options, memory.used, memory.empty),
        );
    }
    text
}

fn opened_per_second(options: &LoadOptions, held: &Held) -> f64 {
    f64::from(options.connections) / held.opening.elapsed.as_secs_f64()
}

/// Negative when the server gave more memory back than the connections took.
fn per_connection(options: &LoadOptions, with: u64, without: u64) -> f64 {
    (with as f64 - without as f64) / f64::from(options.connections)
}

fn spent(interval: &Interval) -> Option<Duration> {
    interval.server.as_ref().map(|usage| usage.process)
}

fn rate(outcome: &Outcome) -> f64 {
    outcome.messages as f64 / outcome.interval.elapsed.as_secs_f64()
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

/// Buckets per doubling: each is a tenth wider than the one before.
const PER_DOUBLING: f64 = 8.0;

/// Upper bounds in microseconds and counts of the buckets that have any.
fn buckets(outcome: &Outcome) -> Vec<(f64, u64)> {
    let mut counts = BTreeMap::new();
    for value in outcome.latency.iter_recorded() {
        let bucket = (value.value_iterated_to().max(1) as f64).log2() * PER_DOUBLING;
        *counts.entry(bucket as u32).or_default() += value.count_since_last_iteration();
    }
    let bound = |bucket| 2_f64.powf(f64::from(bucket + 1) / PER_DOUBLING) / 1e3;
    counts
        .into_iter()
        .map(|(bucket, count)| (bound(bucket), count))
        .collect()
}

fn per_message(outcome: &Outcome, spent: Duration) -> f64 {
    spent.as_secs_f64() * 1e6 / outcome.messages as f64
}
