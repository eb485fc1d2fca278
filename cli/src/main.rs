//! `inpaint-edge IMAGE MASK OUT`: fills the hole that MASK shows in IMAGE.
#![deny(unsafe_code)]

mod advice;
mod args;
mod batch;
mod engine;
#[cfg(target_os = "linux")]
mod fate;
mod fill;
mod folders;
mod free;
mod hole;
mod hole_args;
mod info;
mod item;
mod job;
mod list;
mod man;
mod memory;
mod names;
mod order;
mod plan;
mod selftest;
mod source;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use inpaint_edge::{Error, ErrorKind, Result};

use args::{Cli, Command};

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    fate::choose();
    fate::on_enough_stack(run)
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    run()
}

fn run() -> ExitCode {
    if std::env::args_os().len() <= 1 {
        let _ = writeln!(std::io::stderr(), "Usage: {}\ninpaint-edge --help says more.", args::USAGE);
        return ExitCode::from(ErrorKind::Usage.exit_code());
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) if e.use_stderr() => return failed(&args::one_line(&e)),
        // Help or version.
        Err(e) => e.exit(),
    };
    let done = match cli.command {
        Some(Command::Batch(args)) => match batch::run(&args) {
            Ok(code) => return ExitCode::from(code),
            Err(e) => Err(e),
        },
        Some(Command::Info(args)) => info::run(&args),
        Some(Command::Selftest(args)) => selftest::run(&args),
        Some(Command::Completions { shell, out }) => man::completions(shell, out.as_deref()),
        Some(Command::Man(args)) => man::run(&args),
        None => fill::run(&cli.fill),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => failed(&e),
    }
}

fn failed(e: &Error) -> ExitCode {
    // A closed stderr leaves only the exit code.
    let _ = writeln!(std::io::stderr(), "inpaint-edge: {e}");
    ExitCode::from(e.kind().exit_code())
}

/// Writes to stdout; a reader that has gone away is an error, not a panic.
fn print(bytes: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    written.map_err(|e| Error::new(ErrorKind::Output, format!("stdout: cannot be written: {e}")))
}
