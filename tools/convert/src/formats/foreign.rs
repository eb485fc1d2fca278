//! Files that are taken for checkpoints: what they are, and what to do with them.

/// How many bytes of a file [`kind`] looks at.
pub(super) const HEAD: u64 = 512;

const UNPACK: &str = "unpack it, and convert the checkpoint that is in it";

/// What begins with `head` and is no checkpoint.
pub(super) fn kind(head: &[u8]) -> Option<String> {
    let text = head.trim_ascii_start();
    let begins = |with: &str| text.len() >= with.len() && text[..with.len()].eq_ignore_ascii_case(with.as_bytes());
    let packed = |what: &str| format!("{what} archive: {UNPACK}");
    Some(match head {
        [0x1f, 0x8b, ..] => packed("a gzip"),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => packed("a bzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => packed("an xz"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => packed("a Zstandard"),
        [b'7', b'z', 0xbc, 0xaf, ..] => packed("a 7z"),
        [b'R', b'a', b'r', b'!', ..] => packed("a RAR"),
        _ if head.get(257..262) == Some(b"ustar") => packed("a tar"),
        _ if begins("version https://git-lfs") => {
            "a Git LFS pointer, which stands for the file: `git lfs pull` fetches it".to_owned()
        }
        _ if ["<!doctype", "<html", "<?xml", "<head"].into_iter().any(begins) => {
            "a web page: download the file itself".to_owned()
        }
        // Protobuf: the version of ONNX, then a name, a graph or an operator set.
        [8, 1..=32, 0x12 | 0x1a | 0x22 | 0x2a | 0x32 | 0x3a | 0x42, ..] => {
            "an ONNX model, which is a graph of operators: convert the checkpoint that it was exported from".to_owned()
        }
        _ => return None,
    })
}

/// What an archive with such entries is, if it is no checkpoint.
pub(super) fn archive(names: &[String]) -> Option<String> {
    let any = |is: &dyn Fn(&str) -> bool| names.iter().find(|name| is(name));
    // What PyTorch writes lies in a folder of the file's own name.
    let inside = |name: &str, is: &dyn Fn(&str) -> bool| name.split_once('/').is_some_and(|(_, name)| is(name));
    let exported = |name: &str| name == "archive_format" || name == "serialized_exported_program.json";
    if any(&|name| exported(name) || inside(name, &exported)).is_some() {
        return Some("a program of torch.export (.pt2): save the module's state_dict() with torch.save".to_owned());
    }
    let script = |name: &str| name == "constants.pkl" || (name.starts_with("code/") && name.ends_with(".py"));
    if any(&|name| inside(name, &script)).is_some() {
        return Some("a TorchScript program: load it with torch.jit.load and save its state_dict()".to_owned());
    }
    if any(&|name| name.ends_with("data.pkl") || name.ends_with(".npy")).is_some() {
        return None;
    }
    const CHECKPOINTS: [&str; 10] =
        [".pth", ".pt", ".ckpt", ".bin", ".safetensors", ".h5", ".keras", ".npz", ".zip", ".tar"];
    let inner = any(&|name| CHECKPOINTS.iter().any(|end| name.to_ascii_lowercase().ends_with(end)))?;
    Some(format!("an archive that holds {}: {UNPACK}", crate::fault::one_line(inner)))
}
