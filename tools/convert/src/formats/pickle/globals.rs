//! The globals that tensors and dicts are made of.

use inpaint_edge::Result;

use super::object::{Global, Id, Object, Storage, View, damaged, items, size};
use crate::checkpoint::Dtype;

/// What a name stands for, where tensors or dicts are made of it.
pub(super) fn global(module: &str, name: &str) -> Option<Global> {
    Some(match (module, name) {
        ("collections", "OrderedDict") => Global::OrderedDict,
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Global::RebuildTensor,
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => Global::RebuildParameter,
        ("torch" | "torch.cuda" | "torch.storage", name) => Global::Storage(match name.strip_suffix("Storage")? {
            "Float" => Dtype::F32,
            "Double" => Dtype::F64,
            "Half" => Dtype::F16,
            "BFloat16" => Dtype::BF16,
            "Long" => Dtype::I64,
            "Int" => Dtype::I32,
            "Short" => Dtype::I16,
            "Char" => Dtype::I8,
            "Byte" => Dtype::U8,
            "Bool" => Dtype::Bool,
            "Untyped" | "QInt8" | "QUInt8" | "QUInt4x2" | "QUInt2x4" => Dtype::Other(1),
            "QInt32" => Dtype::Other(4),
            "ComplexFloat" => Dtype::Other(8),
            "ComplexDouble" => Dtype::Other(16),
            _ => return None,
        }),
        _ => return None,
    })
}

/// ('storage', type, key, device, count) and, in old files, (key, offset, count) of a part of it.
pub(super) fn storage(objects: &[Object], id: Id) -> Result<Object> {
    let foreign = || damaged("a persistent object that is no storage");
    let get = |id: Id| &objects[id as usize];
    if let Some(opaque) = opaque(objects, items(objects, id)?) {
        return Ok(opaque);
    }
    let [tag, kind, key, _, count, ref rest @ ..] = *items(objects, id)? else { return Err(foreign()) };
    let (Object::Text(tag), &Object::Global(Global::Storage(dtype)), Object::Text(_)) = (get(tag), get(kind), get(key))
    else {
        return Err(foreign());
    };
    if &**tag != "storage" {
        return Err(foreign());
    }
    let mut storage = Storage { dtype, key, count: size(objects, count)?, offset: 0 };
    if let Some(&view) = rest.first()
        && !matches!(get(view), Object::None)
    {
        let &[_, offset, count] = items(objects, view)? else { return Err(foreign()) };
        storage.offset = size(objects, offset)?;
        storage.count = size(objects, count)?;
    }
    Ok(Object::Storage(storage))
}

/// What a call gives: a tensor, a dict, or an opaque value where function or arguments are one.
pub(super) fn call(objects: &[Object], function: Id, arguments: &[Id]) -> Result<Object> {
    let function = match objects[function as usize] {
        Object::Global(function) => function,
        Object::Opaque(name) => return Ok(Object::Opaque(name)),
        _ => return Err(damaged("a call of something that is no function")),
    };
    // What comes behind, such as hooks and attributes, is not looked at.
    let used = if function == Global::RebuildParameter { 1 } else { 4 };
    if let Some(opaque) = opaque(objects, &arguments[..arguments.len().min(used)]) {
        return Ok(opaque);
    }
    match (function, arguments) {
        (Global::OrderedDict, []) => Ok(Object::Dict(Vec::new())),
        // As Python 2 wrote it: a list of pairs.
        (Global::OrderedDict, &[list]) => {
            let pairs = items(objects, list)?.iter().map(|pair| match *items(objects, *pair)? {
                [key, value] => Ok((key, value)),
                _ => Err(damaged("a pair is missing")),
            });
            Ok(Object::Dict(pairs.collect::<Result<_>>()?))
        }
        (Global::RebuildTensor, &[storage, offset, shape, strides, ..]) => {
            Ok(Object::Tensor(View { storage, offset: size(objects, offset)?, shape, strides }))
        }
        (Global::RebuildParameter, &[tensor, ..]) => match objects[tensor as usize] {
            Object::Tensor(view) => Ok(Object::Tensor(view)),
            _ => Err(damaged("a parameter without a tensor")),
        },
        _ => Err(damaged("a call with other arguments than a checkpoint's")),
    }
}

/// As [`call`], with the arguments in a tuple.
pub(super) fn call_with(objects: &[Object], function: Id, arguments: Id) -> Result<Object> {
    match objects[arguments as usize] {
        Object::Opaque(name) => Ok(Object::Opaque(name)),
        _ => call(objects, function, items(objects, arguments)?),
    }
}

/// The first opaque value among `arguments`.
fn opaque(objects: &[Object], arguments: &[Id]) -> Option<Object> {
    arguments.iter().map(|id| &objects[*id as usize]).find(|object| matches!(object, Object::Opaque(_))).cloned()
}
