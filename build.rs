//! Link settings of the Node addon; a plain Rust build needs none.
fn main() {
    #[cfg(feature = "addon")]
    napi_build::setup();
}
