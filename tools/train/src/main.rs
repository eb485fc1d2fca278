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
    Bench(commands::Bench),
    Gradcheck(commands::Gradcheck),
    Masks(commands::Masks),
    Preview(commands::Preview),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Bench(arguments) => arguments.run(),
        Command::Gradcheck(arguments) => arguments.run(),
        Command::Masks(arguments) => arguments.run(),
        Command::Preview(arguments) => arguments.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error}");
            ExitCode::FAILURE
        }
    }
}
