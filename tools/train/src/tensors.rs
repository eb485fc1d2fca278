//! Safetensors files that others may have written.

use safetensors::{SafeTensors, tensor::Metadata};

/// Opens a safetensors file. Sizes that add up beyond what memory can hold are refused here: the library would let their sum
/// overflow.
///
/// # Errors
/// What the file lacks.
pub(crate) fn open(bytes: &[u8]) -> Result<SafeTensors<'_>, String> {
    let count = bytes.first_chunk().map_or(0, |count| u64::from_le_bytes(*count));
    let end = usize::try_from(count).ok().and_then(|count| count.checked_add(8));
    if let Some(header) = end.and_then(|end| bytes.get(8..end)) {
        let header: Metadata = serde_json::from_slice(header).map_err(|error| error.to_string())?;
        let (expected, found) = (header.data_len(), bytes.len() as u64 - count - 8);
        if expected as u64 != found {
            return Err(format!("expected {expected} bytes behind the header, found {found}"));
        }
    }
    SafeTensors::deserialize(bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_overflow_are_refused() {
        let side = (1u64 << 61) - 1;
        let tensor = |i: u64| {
            let offsets = [i * side, (i + 1) * side];
            format!(r#""t{i}":{{"dtype":"U8","shape":[{side}],"data_offsets":{offsets:?}}}"#)
        };
        let header = format!("{{{}}}", (0..8).map(tensor).collect::<Vec<_>>().join(","));
        let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
        for bytes in [&file[..], &file[..20], &file[..7], &[0xff; 16], b""] {
            assert!(open(bytes).is_err());
        }
        assert_eq!(open(&file).err().unwrap(), format!("expected {} bytes behind the header, found 0", 8 * side));
    }
}
