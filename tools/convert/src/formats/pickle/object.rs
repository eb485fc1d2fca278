//! What a pickle is made of.

use inpaint_edge::Result;

use crate::checkpoint::Dtype;
use crate::fault::refused;

/// Index of an object of a pickle.
pub type Id = u32;

/// An object. Objects refer to each other by index, so sharing costs nothing.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Object {
    None,
    Bool(bool),
    Int(i128),
    /// Any number that is no integer: none is a part of a tensor.
    Float,
    Text(Box<str>),
    /// Bytes, text that is not UTF-8, or an integer of more than 128 bits.
    Bytes,
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Storage(Storage),
    Tensor(View),
    /// A global that is not known, or what a program would make with it; the index of its name.
    Opaque(u32),
}

/// A global that tensors and dicts are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Global {
    /// `collections.OrderedDict`
    OrderedDict,
    /// `torch._utils._rebuild_tensor` and `_rebuild_tensor_v2`
    RebuildTensor,
    /// `torch._utils._rebuild_parameter` and `_rebuild_parameter_with_state`
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
    pub(super) key: Id,
}

/// A view of a storage, not yet looked at.
#[derive(Clone, Copy, Debug)]
pub struct View {
    pub(super) storage: Id,
    pub(super) offset: usize,
    pub(super) shape: Id,
    pub(super) strides: Id,
}

pub(super) fn damaged(what: &str) -> inpaint_edge::Error {
    refused(format!("its pickle is damaged: {what}"))
}

pub(super) fn items(objects: &[Object], id: Id) -> Result<&[Id]> {
    match &objects[id as usize] {
        Object::Tuple(items) | Object::List(items) => Ok(items),
        _ => Err(damaged("a tuple is missing")),
    }
}

pub(super) fn size(objects: &[Object], id: Id) -> Result<usize> {
    match objects[id as usize] {
        Object::Int(value) => {
            usize::try_from(value).map_err(|_| refused(format!("its pickle has a size, offset or stride of {value}")))
        }
        _ => Err(damaged("a number is missing")),
    }
}
