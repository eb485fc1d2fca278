//! The files of a job: what it reads, and where its result goes.

use std::path::{Path, PathBuf};

use inpaint_edge::{Error, Result};

use crate::names::{self, is_pipe};

/// The files of a job; - is stdin or stdout.
#[derive(Clone, Debug)]
pub struct Files {
    pub image: PathBuf,
    pub mask: Option<PathBuf>,
    pub out: PathBuf,
}

impl Files {
    /// If `out` is a folder, the result goes there under the image's name.
    ///
    /// # Errors
    ///
    /// Usage, if the image has no name, or the result would be the image itself: that is replaced only by name.
    pub fn new(image: PathBuf, mask: Option<PathBuf>, out: PathBuf) -> Result<Self> {
        if is_pipe(&out) || !names::is_folder(&out) {
            return Ok(Self { image, mask, out });
        }
        let refused = |detail| Err(Error::usage(detail).of(out.display()));
        let Some(name) = image.file_name().filter(|_| !is_pipe(&image)) else {
            return refused("expected the name of a file, since the image has none, found a folder");
        };
        let result = out.join(names::of_result(name));
        if names::is_same(&result, &image) {
            return refused(
                "expected another folder or the name of the file to replace, found the folder of the image",
            );
        }
        Ok(Self { image, mask, out: result })
    }

    /// Image and mask.
    pub fn inputs(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(&*self.image).chain(self.mask.as_deref())
    }

    /// Whether image or mask comes through stdin.
    pub fn has_piped_input(&self) -> bool {
        self.inputs().any(is_pipe)
    }

    /// The file to name in an error about the hole: the mask, or the image if there is none.
    pub fn hole_name(&self) -> std::path::Display<'_> {
        self.mask.as_ref().unwrap_or(&self.image).display()
    }
}
