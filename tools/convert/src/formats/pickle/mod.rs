//! A restricted reader of Python's pickles: tensors, dicts, lists, tuples, numbers and strings. It runs nothing: every
//! global but the few that PyTorch's tensors are made of, and all that comes of it, is an opaque value.

mod globals;
mod machine;
mod object;

use std::collections::HashMap;
use std::io::Read;

use inpaint_edge::Result;

use crate::checkpoint::MAX_AXES;
use crate::fault::refused;
use object::{damaged, items, size};

pub use object::{Global, Id, Object, Storage, View};

/// A view of a storage, its shape and strides in numbers.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Tensor<'p> {
    pub storage: Storage,
    /// The name under which the file holds the storage.
    pub key: &'p str,
    pub offset: usize,
    pub shape: Vec<usize>,
    pub strides: Vec<usize>,
}

/// What a pickle holds.
#[derive(Debug)]
pub struct Pickle {
    objects: Vec<Object>,
    root: Id,
    skipped: Vec<String>,
}

impl Pickle {
    /// Reads one pickle and stops behind it. No more than `limit` bytes are there.
    ///
    /// # Errors
    ///
    /// Weights, where the pickle is damaged or too large.
    pub fn read(reader: &mut dyn Read, limit: u64) -> Result<Self> {
        let (objects, root, skipped) = machine::run(reader, limit)?;
        Ok(Self { objects, root, skipped })
    }

    /// The globals that are not known, by name: what [`Object::Opaque`] counts.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// The outermost object.
    pub fn root(&self) -> &Object {
        &self.objects[self.root as usize]
    }

    /// An object.
    pub fn get(&self, id: Id) -> &Object {
        &self.objects[id as usize]
    }

    /// A string, where the object is one.
    pub fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Object::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Bytes of a number of each storage, by the storage's name.
    pub(super) fn storage_sizes(&self) -> HashMap<&str, u64> {
        let storages = self.objects.iter().filter_map(|object| match object {
            Object::Storage(storage) => Some((self.text(storage.key)?, storage.dtype.bytes() as u64)),
            _ => None,
        });
        storages.collect()
    }

    /// What `view` is a view of.
    ///
    /// # Errors
    ///
    /// Weights, where its shape is not one.
    pub fn tensor(&self, view: View) -> Result<Tensor<'_>> {
        let &Object::Storage(storage) = self.get(view.storage) else {
            return Err(damaged("a tensor without a storage"));
        };
        let key = self.text(storage.key).ok_or_else(|| damaged("a storage without a name"))?;
        let sizes = |id| {
            let items = items(&self.objects, id)?;
            if items.len() > MAX_AXES {
                return Err(refused(format!("{} axes", items.len())));
            }
            items.iter().map(|id| size(&self.objects, *id)).collect::<Result<Vec<_>>>()
        };
        let (shape, strides) = (sizes(view.shape)?, sizes(view.strides)?);
        Ok(Tensor { storage, key, offset: view.offset, shape, strides })
    }
}
