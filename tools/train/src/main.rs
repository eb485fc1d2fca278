//! The `inpaint-train` program.

mod commands;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Train inpaint-edge's network on a folder of photographs.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Fit(commands::Fit),
    Export(commands::Export),
    Bench(commands::Bench),
    Gradcheck(commands::Gradcheck),
    Masks(commands::Masks),
    Preview(commands::Preview),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Fit(arguments) => arguments.run(),
        Command::Export(arguments) => arguments.run().map(|()| ExitCode::SUCCESS),
        Command::Bench(arguments) => arguments.run().map(|()| ExitCode::SUCCESS),
        Command::Masks(arguments) => arguments.run().map(|()| ExitCode::SUCCESS),
        Command::Preview(arguments) => arguments.run().map(|()| ExitCode::SUCCESS),
        Command::Gradcheck(arguments) => arguments.run().map(|()| ExitCode::SUCCESS),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}
