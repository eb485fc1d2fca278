//! `inpaint-edge man`: a page for the program and one for each subcommand.

use clap::CommandFactory;
use clap_mangen::Man;
use inpaint_edge::image::write_atomically_with;
use inpaint_edge::{Error, ErrorKind, Result};

use crate::args::{Cli, ManArgs};

pub fn run(args: &ManArgs) -> Result<()> {
    let Some(folder) = &args.out else {
        let page = page(args.command.as_deref())?;
        return crate::print(&rendered(&page)?);
    };
    let cannot = |e: std::io::Error| Error::new(ErrorKind::Output, format!("{}: cannot be made: {e}", folder.display()));
    std::fs::create_dir_all(folder).map_err(cannot)?;
    let names = std::iter::once(None).chain(SUBCOMMANDS.map(Some));
    names.map(page).try_for_each(|page| {
        let page = page?;
        let bytes = rendered(&page)?;
        write_atomically_with(&folder.join(page.get_filename()), |out| out.write_all(&bytes).map_err(unwritten))
    })
}

/// What has a page of its own.
pub const SUBCOMMANDS: [&str; 5] = ["batch", "info", "selftest", "completions", "man"];

/// The page of a subcommand, or of the program.
fn page(name: Option<&str>) -> Result<Man> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let command = match name {
        Some(name) => program.find_subcommand(name).cloned(),
        None => Some(program),
    };
    let command = command.ok_or_else(|| Error::new(ErrorKind::Usage, "a subcommand expected"))?;
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
