//! Thin binary: everything is in the library.

fn main() -> std::process::ExitCode {
    scimproof::cli::main()
}
