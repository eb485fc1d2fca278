//! Mistaken command lines, in one line each.

use clap::CommandFactory;
use clap::error::ContextKind;
use inpaint_edge::Error;

use super::Cli;

/// The error of a command line in one line: with what may have been meant, and without clap's usage.
pub fn in_one_line(e: &clap::Error) -> Error {
    let text = e.render().to_string();
    let other = in_other_words(e);
    let is_said = other.is_some();
    let text = other.unwrap_or(text);
    let (text, _) = text.split_once("\n\n").unwrap_or((&text, ""));
    let words: Vec<_> = text.strip_prefix("error: ").unwrap_or(text).split_whitespace().collect();
    let mut line = words.join(" ");
    let similar = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    let meant: Vec<_> = similar.into_iter().filter_map(|kind| e.get(kind)).map(|meant| meant.to_string()).collect();
    if !meant.is_empty() && !is_said {
        line += &format!("; did you mean {}?", meant.join(" or "));
    }
    Error::usage(line)
}

/// A message for what clap explains badly: a word too many, an option of other programs, a colour that the shell took
/// for a comment.
fn in_other_words(e: &clap::Error) -> Option<String> {
    let context = |kind| e.get(kind).map(|value| value.to_string()).unwrap_or_default();
    let word = context(ContextKind::InvalidSubcommand);
    if e.kind() == clap::error::ErrorKind::ArgumentConflict
        && !word.is_empty()
        && Cli::command().find_subcommand(&word).is_none()
    {
        return Some(format!(
            "expected IMAGE, MASK and OUT, found {word} beside them; inpaint-edge batch fills many files"
        ));
    }
    if e.kind() == clap::error::ErrorKind::UnknownArgument
        && let Some(help) = of_other_programs(&context(ContextKind::InvalidArg))
    {
        return Some(format!("unexpected argument '{}' found; {help}", context(ContextKind::InvalidArg)));
    }
    let is_comment = e.kind() == clap::error::ErrorKind::InvalidValue
        && context(ContextKind::InvalidValue).is_empty()
        && context(ContextKind::InvalidArg).contains("--mask-color");
    is_comment.then(|| {
        "expected a colour after --mask-color, found none; shells drop what follows a #: '#ff00ff' or ff00ff".to_owned()
    })
}

/// The way to say here what an option of other programs says.
fn of_other_programs(option: &str) -> Option<&'static str> {
    match option {
        "-i" | "--input" | "--image" | "-m" | "--mask" | "-o" | "--output" | "--out" => {
            Some("IMAGE, MASK and OUT have no option before them; of a batch, --images, --masks and --out are folders")
        }
        "--invert" | "--invert-mask" | "--mask-invert" => Some("--mask-white keep fills what is black"),
        "--grow" | "--dilate" | "--expand" => Some("--mask-grow PX grows the hole"),
        "--threshold" => Some("--mask-threshold N says from where on a mask is white"),
        _ => None,
    }
}
