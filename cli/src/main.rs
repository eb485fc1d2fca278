//! `inpaint-edge IMAGE MASK OUT`: fills the hole that MASK shows in IMAGE.
#![deny(unsafe_code)]

#[cfg(target_os = "linux")]
mod fate;

use std::process::ExitCode;

use clap::Parser;
use inpaint_edge::{Error, ErrorKind, Result};
use inpaint_edge_commands::args::{Cli, Command, USAGE, misuse};
use inpaint_edge_commands::{batch, console, fill, info, man, selftest};

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    fate::set_handlers();
    fate::on_enough_stack(run).unwrap_or_else(|e| failed(&e))
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    run()
}

fn run() -> ExitCode {
    if std::env::args_os().len() <= 1 {
        console::lines(format_args!("Usage: {USAGE}\ninpaint-edge --help says more."));
        return ExitCode::from(ErrorKind::Usage.exit_code());
    }
    match Cli::try_parse() {
        Ok(cli) => obey(&cli).map_or_else(|e| failed(&e), ExitCode::from),
        Err(e) if e.use_stderr() => failed(&misuse::in_one_line(&e)),
        // Help or version.
        Err(e) => e.exit(),
    }
}

/// Does what a command line says. Returns the exit code.
fn obey(cli: &Cli) -> Result<u8> {
    match &cli.command {
        None => fill::run(&cli.fill.spec()?)?,
        Some(Command::Batch(args)) => return batch::run(&args.spec()),
        Some(Command::Info(args)) => info::run(&args.spec())?,
        Some(Command::Selftest(args)) => selftest::run(&args.spec())?,
        Some(Command::Completions { shell, out }) => man::completions(*shell, out.as_deref())?,
        Some(Command::Man(args)) => man::run(args)?,
    }
    Ok(0)
}

fn failed(e: &Error) -> ExitCode {
    console::tell(console::line_of(e));
    ExitCode::from(e.kind().exit_code())
}
