//! Reads what a batch is to do: two folders paired by name, or a list on stdin.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::IsTerminal;
use std::path::PathBuf;

use inpaint_edge::{Error, Result};
use inpaint_edge_image::read_within;

use crate::files::Files;
use crate::folders::{self, PassedOver};
use crate::item::{Item, check_memory, usage};
use crate::names::{self, Places, is_pipe};
use crate::order::Order;
use crate::spec::{BatchSpec, Folders};

/// The longest list: bytes, jobs.
const MAX_LIST: u64 = 256 << 20;
const MAX_JOBS: usize = 1_000_000;
/// The longest line: far more than three names of 4096 bytes, all of them escaped.
const MAX_LINE: usize = 1 << 17;
/// The most bytes that parsing takes for a byte of a line: `1,` in a growing JSON array takes twice 32.
const PARSED: usize = 64;

/// The jobs of a batch.
pub struct List {
    /// In their order: that of names, or that of lines.
    pub items: Vec<Item>,
    pub order: Order,
    pub passed_over: PassedOver,
}

/// Reads the folders or the list.
pub fn read(spec: &BatchSpec) -> Result<List> {
    let in_image = spec.job.hole.is_in_image();
    match &spec.folders {
        Some(Folders { images, masks, out }) => {
            let (items, passed_over) = folders::items(images, masks.as_deref(), out, in_image)?;
            let mut places = Places::default();
            let results = items.iter().enumerate().map(|(i, item)| (places.of(&item.files.out), i)).collect();
            let order = Order::of(&items, &mut places, &results);
            Ok(List { items, order, passed_over })
        }
        None if std::io::stdin().is_terminal() => {
            usage("expected --images and --out or a list on stdin, found neither")
        }
        None => {
            let list = read_within(std::io::stdin().lock(), MAX_LIST).map_err(|e| e.of("stdin"))?;
            of_lines(&list, in_image)
        }
    }
}

/// Parses a list with a job a line; empty lines do not count.
pub fn of_lines(list: &[u8], in_image: bool) -> Result<List> {
    if list.starts_with(b"\xFF\xFE") || list.starts_with(b"\xFE\xFF") {
        return usage("stdin: expected a list in UTF-8, or with names as the system has them, found UTF-16");
    }
    // Some Windows editors begin a file with this byte order mark.
    let list = list.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(list);
    let filled = || (1..).zip(list.split(|byte| *byte == b'\n')).filter(|(_, line)| !line.trim_ascii().is_empty());
    let jobs = filled().take(MAX_JOBS + 1).count();
    check_memory(list.len() + PARSED * MAX_LINE.min(list.len()), jobs)?;
    if let Some((number, _)) = filled().nth(MAX_JOBS) {
        return usage(format!("stdin, line {number}: expected at most {MAX_JOBS} jobs, found more"));
    }
    let (mut places, mut results) = (Places::default(), HashMap::with_capacity(jobs));
    let (mut items, mut numbers) = (Vec::with_capacity(jobs), Vec::<usize>::with_capacity(jobs));
    for (number, line) in filled() {
        let files = of_line(line.strip_suffix(b"\r").unwrap_or(line), in_image).and_then(|files| {
            match results.entry(places.of(&files.out)) {
                Entry::Vacant(new) => new.insert(items.len()),
                Entry::Occupied(first) => {
                    let first = numbers[*first.get()];
                    return usage(format!(
                        "expected another result, found {}, which is that of line {first}",
                        files.out.display()
                    ));
                }
            };
            Ok(files)
        });
        let files = files.map_err(|e| e.of(format_args!("stdin, line {number}")))?;
        items.push(Item { files, problem: None });
        numbers.push(number);
    }
    let order = Order::of(&items, &mut places, &results);
    Ok(List { items, order, passed_over: PassedOver::default() })
}

fn of_line(line: &[u8], in_image: bool) -> Result<Files> {
    if line.len() > MAX_LINE {
        return usage(format!("expected at most {MAX_LINE} bytes, found {}", line.len()));
    }
    let is_json = line.trim_ascii_start().starts_with(b"{");
    let [image, mask, out] = if is_json { of_json(line)? } else { of_fields(line)? };
    let (Some(image), Some(out)) = (image, out) else {
        return usage("expected the names image and out, found one or none");
    };
    if mask.is_none() && !in_image {
        return usage("expected a mask, or --mask-alpha, --mask-color or --box, found none");
    }
    for name in [Some(&image), mask.as_ref(), Some(&out)].into_iter().flatten() {
        if is_pipe(name) {
            return usage("expected names of files, found -");
        }
        if name.as_os_str().as_encoded_bytes().contains(&0) {
            return usage("expected names of files, found a zero byte");
        }
    }
    Files::new(image, mask, out)
}

/// The names of image, mask and result, as far as they are given.
type Names = [Option<PathBuf>; 3];

/// Parses names, which may be any bytes but tabs.
fn of_fields(line: &[u8]) -> Result<Names> {
    let name = |bytes: &[u8]| match bytes {
        [] => Ok(None),
        bytes => names::of_bytes(bytes.to_vec())
            .map(Some)
            .map_or_else(|| usage("expected a name in UTF-8, found other bytes"), Ok),
    };
    match *line.split(|byte| *byte == b'\t').collect::<Vec<_>>() {
        [image, mask, out] => Ok([name(image)?, name(mask)?, name(out)?]),
        [image, out] => Ok([name(image)?, None, name(out)?]),
        [_] => usage("expected IMAGE<TAB>MASK<TAB>OUT, found no tab"),
        ref fields => usage(format!("expected IMAGE<TAB>MASK<TAB>OUT, found {} fields", fields.len())),
    }
}

/// Parses names as reports have them: strings, or bytes in hexadecimal where a name is not UTF-8.
fn of_json(line: &[u8]) -> Result<Names> {
    let object: serde_json::Value = serde_json::from_slice(line).map_err(|e| {
        // In the list, the line has another number.
        let e = e.to_string().replace(" at line 1 column ", " at column ");
        Error::usage(format!("expected a JSON object in UTF-8, found another line: {e}"))
    })?;
    let text = |key: &str| match &object[key] {
        serde_json::Value::Null => Ok(None),
        serde_json::Value::String(name) => Ok(Some(name)),
        _ => usage(format!("expected a name as a string for {key}, found another value")),
    };
    let name = |key: &str| {
        let key_of_bytes = format!("{key}_bytes");
        let Some(digits) = text(&key_of_bytes)? else {
            return Ok(text(key)?.filter(|name| !name.is_empty()).map(PathBuf::from));
        };
        let bytes = bytes_of_hex(digits).filter(|bytes| !bytes.is_empty());
        bytes.and_then(names::of_bytes).map(Some).map_or_else(
            || usage(format!("expected the bytes of a name in hexadecimal for {key_of_bytes}, found another text")),
            Ok,
        )
    };
    Ok([name("image")?, name("mask")?, name("out")?])
}

fn bytes_of_hex(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pair = |pair: &[u8]| match *pair {
        [high, low] => Some((digit(high)? << 4 | digit(low)?) as u8),
        _ => None,
    };
    digits.as_bytes().chunks(2).map(pair).collect()
}
