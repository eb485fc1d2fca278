//! A restricted reader of Python's pickles: tensors, dicts, lists, tuples, numbers and strings. It runs nothing. Every
//! global but the few that PyTorch's tensors are made of is refused by name.

mod machine;

use std::collections::HashMap;
use std::io::Read;

use inpaint_edge::Result;

use crate::checkpoint::{Dtype, MAX_AXES};
use crate::fault::refused;

/// Index of an object of a [`Pickle`].
pub type Id = u32;

/// An object. Objects refer to each other by index, so sharing costs nothing.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Object {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(Box<str>),
    Bytes,
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Storage(Storage),
    Tensor(View),
}

/// What may be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Global {
    /// `collections.OrderedDict`
    OrderedDict,
    /// `torch._utils._rebuild_tensor` and `_rebuild_tensor_v2`
    RebuildTensor,
    /// `torch._utils._rebuild_parameter`
    RebuildParameter,
    /// `torch.FloatStorage` and its like
    Storage(Dtype),
}

/// Numbers in a row, somewhere in the file.
#[derive(Clone, Copy, Debug)]
pub struct Storage {
    /// Their type.
    pub dtype: Dtype,
    /// How many there are.
    pub count: usize,
    /// How many numbers under the same name come before.
    pub offset: usize,
    key: Id,
}

/// A view of a storage, not yet looked at.
#[derive(Clone, Copy, Debug)]
pub struct View {
    storage: Id,
    offset: usize,
    shape: Id,
    strides: Id,
}

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
}

impl Pickle {
    /// Reads one pickle and stops behind it. No more than `limit` bytes are there.
    ///
    /// # Errors
    ///
    /// Weights, where the pickle is damaged, too large, or names a global that is not data.
    pub fn read(reader: &mut dyn Read, limit: u64) -> Result<Self> {
        let (objects, root) = machine::run(reader, limit)?;
        Ok(Self { objects, root })
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

fn damaged(what: &str) -> inpaint_edge::Error {
    refused(format!("its pickle is damaged: {what}"))
}

fn items(objects: &[Object], id: Id) -> Result<&[Id]> {
    match &objects[id as usize] {
        Object::Tuple(items) | Object::List(items) => Ok(items),
        _ => Err(damaged("a tuple is missing")),
    }
}

fn size(objects: &[Object], id: Id) -> Result<usize> {
    match objects[id as usize] {
        Object::Int(value) => {
            usize::try_from(value).map_err(|_| refused(format!("its pickle has a size, offset or stride of {value}")))
        }
        _ => Err(damaged("a number is missing")),
    }
}
