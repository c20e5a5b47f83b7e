//! What this crate tells by `tracing`, on its way to the loggers of JavaScript.

use std::{
    fmt,
    sync::{
        Once, PoisonError, RwLock,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use napi::{
    Status,
    bindgen_prelude::Function,
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;
use serde_json::{Map, Value};
use tracing::{
    Event, Level, Metadata, Subscriber, callsite,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
    subscriber::{Interest, set_global_default},
};

/// Records that may wait for a JavaScript thread; those beyond are counted, and left out.
const MAX_WAITING: usize = 256;

/// Does not keep its environment alive.
type Callback = ThreadsafeFunction<String, (), String, Status, false, true, MAX_WAITING>;

static INSTALLED: Once = Once::new();
static WATCHES: RwLock<Vec<Watch>> = RwLock::new(Vec::new());
static NUMBERS: AtomicU64 = AtomicU64::new(0);

/// One environment's loggers.
struct Watch {
    number: u64,
    least: LevelFilter,
    callback: Callback,
    missed: AtomicU32,
}

/// The log of the Rust side, as long as somebody wants it: all of the process, each record as JSON.
#[napi]
pub struct LogWatch {
    number: u64,
}

#[napi]
impl LogWatch {
    /// Has `callback` called with records of `level` (`debug`, `info`, `warn`, `error`) and above.
    #[napi(constructor, catch_unwind)]
    pub fn new(level: String, callback: Function<String, ()>) -> napi::Result<Self> {
        let callback = callback
            .build_threadsafe_function()
            .weak::<true>()
            .max_queue_size::<MAX_WAITING>()
            .build()?;
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let watch = Watch {
            number,
            least: level.parse().unwrap_or(LevelFilter::INFO),
            callback,
            missed: AtomicU32::new(0),
        };
        change(|watches| watches.push(watch));
        // Somebody else may listen to this process already: then nothing comes here.
        INSTALLED.call_once(|| _ = set_global_default(Forward));
        Ok(Self { number })
    }

    /// No more.
    #[napi(catch_unwind)]
    pub fn stop(&self) {
        change(|watches| watches.retain(|watch| watch.number != self.number));
    }
}

impl Drop for LogWatch {
    fn drop(&mut self) {
        self.stop();
    }
}

fn change(act: impl FnOnce(&mut Vec<Watch>)) {
    act(&mut WATCHES.write().unwrap_or_else(PoisonError::into_inner));
    callsite::rebuild_interest_cache();
}

/// The least level that anybody wants.
fn least() -> LevelFilter {
    let watches = WATCHES.read().unwrap_or_else(PoisonError::into_inner);
    let all = watches.iter().map(|watch| watch.least);
    all.max().unwrap_or(LevelFilter::OFF)
}

/// Takes the events of this crate, which has no spans.
struct Forward;

impl Subscriber for Forward {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        match self.enabled(metadata) {
            true => Interest::always(),
            false => Interest::never(),
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let is_ours = metadata.target().starts_with(env!("CARGO_CRATE_NAME"));
        metadata.is_event() && is_ours && *metadata.level() <= least()
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(least())
    }

    fn event(&self, event: &Event<'_>) {
        let mut record = Record::default();
        event.record(&mut record);
        let metadata = event.metadata();
        let watches = WATCHES.read().unwrap_or_else(PoisonError::into_inner);
        for watch in watches
            .iter()
            .filter(|watch| *metadata.level() <= watch.least)
        {
            watch.tell(&record, metadata);
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

impl Watch {
    fn tell(&self, record: &Record, metadata: &Metadata<'_>) {
        let missed = self.missed.swap(0, Ordering::Relaxed);
        let json = serde_json::json!({
            "level": name(*metadata.level()),
            "target": metadata.target(),
            "message": record.message,
            "fields": record.fields,
            "missed": missed,
        });
        let mode = ThreadsafeFunctionCallMode::NonBlocking;
        if self.callback.call(json.to_string(), mode) != Status::Ok {
            self.missed.fetch_add(missed + 1, Ordering::Relaxed);
        }
    }
}

fn name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        _ => "debug",
    }
}

/// An event's message and fields.
#[derive(Default)]
struct Record {
    message: String,
    fields: Map<String, Value>,
}

impl Visit for Record {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "message" => self.message = text,
            name => _ = self.fields.insert(name.to_owned(), text.into()),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.fields.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.fields.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.fields.insert(field.name().to_owned(), value.into());
    }
}
