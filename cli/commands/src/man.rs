//! `inpaint-edge man` and `completions`: writes files to install beside the program.

use std::path::Path;

use clap::CommandFactory;
use clap_mangen::Man;
use inpaint_edge::{Error, ErrorKind, Result};
use inpaint_edge_image::write_atomically;

use crate::args::{Cli, ManArgs, SUBCOMMANDS};
use crate::console::print;
use crate::names;

pub fn run(args: &ManArgs) -> Result<()> {
    let Some(folder) = &args.out else {
        let page = page(args.command.as_deref())?;
        return print(rendered(&page)?);
    };
    let names = std::iter::once(None).chain(SUBCOMMANDS.map(Some));
    names.map(page).try_for_each(|page| {
        let page = page?;
        install(&folder.join(page.get_filename()), &rendered(&page)?)
    })
}

pub fn completions(shell: clap_complete::Shell, out: Option<&Path>) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "inpaint-edge", &mut script);
    // In bash, clap_complete 4.6 looks for the subcommands of a name with a hyphen under two different words.
    let script = String::from_utf8_lossy(&script).replace("inpaint__subcmd__edge", "inpaint__edge").into_bytes();
    out.map_or_else(|| print(&script), |out| install(out, &script))
}

/// Writes a file, and makes its folder.
fn install(file: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = file.parent() {
        names::make_folder(folder)?;
    }
    write_atomically(file, bytes)
}

/// The page of a subcommand, or of the program.
fn page(name: Option<&str>) -> Result<Man> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let command = match name {
        Some(name) => program.find_subcommand(name).cloned(),
        None => Some(program),
    };
    let command = command.ok_or_else(|| Error::usage("expected a subcommand, found another word"))?;
    Ok(Man::new(command).source(concat!("inpaint-edge ", env!("CARGO_PKG_VERSION"))))
}

fn rendered(page: &Man) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    page.render(&mut bytes).map_err(unwritten).map(|()| bytes)
}

fn unwritten(e: std::io::Error) -> Error {
    Error::new(ErrorKind::Output, format!("cannot be written: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subcommand_has_a_page() {
        let names: Vec<_> = Cli::command().get_subcommands().map(|c| c.get_name().to_owned()).collect();
        assert_eq!(names, SUBCOMMANDS);
    }
}
