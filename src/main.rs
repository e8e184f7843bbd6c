//! Thin binary: everything is in the library.

/// A run builds and drops millions of small JSON values; the system's allocator would be a fifth of its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    scimproof::cli::main()
}
