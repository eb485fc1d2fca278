//! The stack machine that a pickle is a program for, less everything that runs code. A global that is not known is an
//! opaque value, and so is what a program would make by calling it; what a program would put into one is dropped.

use std::collections::HashMap;
use std::io::{self, Read};

use inpaint_edge::Result;

use super::globals;
use super::object::{Id, Object, damaged};
use crate::fault::one_line;
use crate::input::unreadable;

/// The most objects of a pickle, and the most entries of its memo and of all its lists, tuples and dicts. A checkpoint of sixteen
/// layers with its optimizer has about ten thousand.
const MAX_OBJECTS: usize = 1 << 18;
/// The most bytes of all strings of a pickle.
const MAX_TEXT: u64 = 1 << 24;
/// The object that every float is, so that a history of losses takes no more room than its list.
const FLOAT: Id = 0;
/// The most globals that are not known, by name.
const MAX_SKIPPED: usize = 1 << 12;

/// Runs one pickle; returns its objects, the outermost one and the names of the globals that are not known.
pub(super) fn run(reader: &mut dyn Read, limit: u64) -> Result<(Vec<Object>, Id, Vec<String>)> {
    let mut machine = Machine {
        reader,
        left: limit,
        text: MAX_TEXT,
        entries: 0,
        objects: vec![Object::Float],
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        skipped: HashMap::new(),
    };
    let root = machine.run()?;
    let mut skipped: Vec<(String, u32)> = machine.skipped.into_iter().collect();
    skipped.sort_unstable_by_key(|(_, index)| *index);
    Ok((machine.objects, root, skipped.into_iter().map(|(name, _)| name).collect()))
}

struct Machine<'r> {
    reader: &'r mut dyn Read,
    left: u64,
    text: u64,
    entries: usize,
    objects: Vec<Object>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    skipped: HashMap<String, u32>,
}

impl Machine<'_> {
    fn run(&mut self) -> Result<Id> {
        loop {
            match self.byte()? {
                b'.' => return self.pop(),
                0x80 => match self.byte()? {
                    2..=5 => {}
                    protocol => return Err(damaged(&format!("protocol {protocol}"))),
                },
                0x95 => {
                    self.array::<8>()?;
                }
                b'(' => {
                    if self.marks.len() >= MAX_OBJECTS {
                        return Err(damaged("too many marks"));
                    }
                    self.marks.push(self.stack.len());
                }
                b'0' => {
                    self.pop()?;
                }
                b'1' => {
                    self.above_mark()?;
                }
                b'2' => {
                    let top = *self.top()?;
                    self.put(top)?;
                }
                b'N' => self.push(Object::None)?,
                0x88 => self.push(Object::Bool(true))?,
                0x89 => self.push(Object::Bool(false))?,
                b'J' => {
                    let value = i32::from_le_bytes(self.array()?);
                    self.push(Object::Int(value.into()))?;
                }
                b'K' => {
                    let value = self.byte()?;
                    self.push(Object::Int(value.into()))?;
                }
                b'M' => {
                    let value = u16::from_le_bytes(self.array()?);
                    self.push(Object::Int(value.into()))?;
                }
                0x8a => {
                    let count = self.byte()?;
                    self.long(count.into())?;
                }
                0x8b => {
                    let count = u32::from_le_bytes(self.array()?);
                    self.long(count)?;
                }
                b'G' => {
                    self.array::<8>()?;
                    self.put(FLOAT)?;
                }
                b'X' | b'T' => {
                    let count = u32::from_le_bytes(self.array()?);
                    self.string(count.into())?;
                }
                0x8c | b'U' => {
                    let count = self.byte()?;
                    self.string(count.into())?;
                }
                0x8d => {
                    let count = u64::from_le_bytes(self.array()?);
                    self.string(count)?;
                }
                b'C' => {
                    let count = self.byte()?;
                    self.bytes(count.into())?;
                    self.push(Object::Bytes)?;
                }
                b'B' => {
                    let count = u32::from_le_bytes(self.array()?);
                    self.bytes(count.into())?;
                    self.push(Object::Bytes)?;
                }
                0x8e | 0x96 => {
                    let count = u64::from_le_bytes(self.array()?);
                    self.bytes(count)?;
                    self.push(Object::Bytes)?;
                }
                b']' | 0x8f => self.push(Object::List(Vec::new()))?,
                b')' => self.push(Object::Tuple(Vec::new()))?,
                b'}' => self.push(Object::Dict(Vec::new()))?,
                b'l' => {
                    let items = self.above_mark()?;
                    self.push(Object::List(items))?;
                }
                b't' | 0x91 => {
                    let items = self.above_mark()?;
                    self.push(Object::Tuple(items))?;
                }
                count @ 0x85..=0x87 => {
                    let count = usize::from(count - 0x84);
                    let from = self.stack.len().checked_sub(count).ok_or_else(|| damaged("its stack is empty"))?;
                    let items = self.stack.split_off(from);
                    self.push(Object::Tuple(items))?;
                }
                b'd' => {
                    let items = self.above_mark()?;
                    let pairs = pairs(&items)?;
                    self.push(Object::Dict(pairs))?;
                }
                b'a' => {
                    self.count_entries(1)?;
                    let item = self.pop()?;
                    self.append(&[item])?;
                }
                b'e' | 0x90 => {
                    let items = self.above_mark()?;
                    self.append(&items)?;
                }
                b's' => {
                    self.count_entries(1)?;
                    let value = self.pop()?;
                    let key = self.pop()?;
                    self.insert(&[(key, value)])?;
                }
                b'u' => {
                    let items = self.above_mark()?;
                    self.insert(&pairs(&items)?)?;
                }
                b'h' => {
                    let slot = self.byte()?;
                    self.recall(slot.into())?;
                }
                b'j' => {
                    let slot = u32::from_le_bytes(self.array()?);
                    self.recall(slot)?;
                }
                b'q' => {
                    let slot = self.byte()?;
                    self.memorise(slot.into())?;
                }
                b'r' => {
                    let slot = u32::from_le_bytes(self.array()?);
                    self.memorise(slot)?;
                }
                0x94 => self.memorise(self.memo.len() as u32)?,
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.global(&module, &name)?;
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    match (&self.objects[module as usize], &self.objects[name as usize]) {
                        (Object::Text(module), Object::Text(name)) => {
                            let (module, name) = (module.clone(), name.clone());
                            self.global(&module, &name)?;
                        }
                        _ => return Err(damaged("a global without a name")),
                    }
                }
                b'Q' => {
                    let id = self.pop()?;
                    let storage = globals::storage(&self.objects, id)?;
                    self.push(storage)?;
                }
                b'R' | 0x81 => {
                    let (arguments, function) = (self.pop()?, self.pop()?);
                    self.put_made(globals::call_with(&self.objects, function, arguments)?)?;
                }
                // With arguments by name, which no known global has.
                0x92 => {
                    let (_, arguments, class) = (self.pop()?, self.pop()?, self.pop()?);
                    self.put_made(globals::call_with(&self.objects, class, arguments)?)?;
                }
                b'i' => {
                    let (module, name) = (self.line()?, self.line()?);
                    let arguments = self.above_mark()?;
                    self.global(&module, &name)?;
                    let class = self.pop()?;
                    self.put_made(globals::call(&self.objects, class, &arguments)?)?;
                }
                b'o' => {
                    let items = self.above_mark()?;
                    let (class, arguments) = items.split_first().ok_or_else(|| damaged("a class is missing"))?;
                    self.put_made(globals::call(&self.objects, *class, arguments)?)?;
                }
                b'b' => {
                    // The attributes of an OrderedDict, PyTorch's version numbers, are not needed.
                    self.pop()?;
                    let target = *self.top()?;
                    if !matches!(self.objects[target as usize], Object::Dict(_) | Object::Opaque(_)) {
                        return Err(damaged("a state of something that has none"));
                    }
                }
                opcode => return Err(damaged(&format!("opcode {opcode:#04x} is not one of a checkpoint's"))),
            }
        }
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<()> {
        if buffer.len() as u64 > self.left {
            return Err(unreadable(io::ErrorKind::UnexpectedEof.into()));
        }
        self.left -= buffer.len() as u64;
        self.reader.read_exact(buffer).map_err(unreadable)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        self.fill(&mut array)?;
        Ok(array)
    }

    fn bytes(&mut self, count: u64) -> Result<Vec<u8>> {
        if count > self.left {
            return Err(unreadable(io::ErrorKind::UnexpectedEof.into()));
        }
        self.text = self.text.checked_sub(count).ok_or_else(|| damaged("more text than a checkpoint has"))?;
        let mut bytes = vec![0; count as usize];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn string(&mut self, count: u64) -> Result<()> {
        let bytes = self.bytes(count)?;
        self.push(String::from_utf8(bytes).map_or(Object::Bytes, |text| Object::Text(text.into())))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => return String::from_utf8(line).map_err(|_| damaged("a name is not UTF-8")),
                _ if line.len() >= 256 => return Err(damaged("a name of more than 256 bytes")),
                byte => line.push(byte),
            }
        }
    }

    fn long(&mut self, count: u32) -> Result<()> {
        if count > 16 {
            self.bytes(count.into())?;
            return self.push(Object::Bytes);
        }
        let mut bytes = [0; 16];
        let used = &mut bytes[..count as usize];
        self.fill(used)?;
        let negative = used.last().is_some_and(|top| top & 0x80 != 0);
        if negative {
            bytes[count as usize..].fill(0xff);
        }
        self.push(Object::Int(i128::from_le_bytes(bytes)))
    }

    fn push(&mut self, object: Object) -> Result<()> {
        if self.objects.len() >= MAX_OBJECTS {
            return Err(damaged("more objects than a checkpoint has"));
        }
        self.objects.push(object);
        self.put(self.objects.len() as Id - 1)
    }

    fn put(&mut self, id: Id) -> Result<()> {
        if self.stack.len() >= MAX_OBJECTS {
            return Err(damaged("its stack is larger than a checkpoint's"));
        }
        self.stack.push(id);
        Ok(())
    }

    fn top(&self) -> Result<&Id> {
        self.stack.last().ok_or_else(|| damaged("its stack is empty"))
    }

    fn pop(&mut self) -> Result<Id> {
        if self.marks.last().is_some_and(|mark| *mark >= self.stack.len()) {
            return Err(damaged("a mark is in the way"));
        }
        self.stack.pop().ok_or_else(|| damaged("its stack is empty"))
    }

    fn above_mark(&mut self) -> Result<Vec<Id>> {
        let mark = self.marks.pop().filter(|mark| *mark <= self.stack.len());
        let items = self.stack.split_off(mark.ok_or_else(|| damaged("a mark is missing"))?);
        self.count_entries(items.len())?;
        Ok(items)
    }

    fn count_entries(&mut self, count: usize) -> Result<()> {
        self.entries += count;
        if self.entries > 4 * MAX_OBJECTS { Err(damaged("more entries than a checkpoint has")) } else { Ok(()) }
    }

    fn append(&mut self, items: &[Id]) -> Result<()> {
        let target = *self.top()?;
        match &mut self.objects[target as usize] {
            Object::List(list) => list.extend(items),
            Object::Opaque(_) => {}
            _ => return Err(damaged("items without a list")),
        }
        Ok(())
    }

    fn insert(&mut self, items: &[(Id, Id)]) -> Result<()> {
        let target = *self.top()?;
        match &mut self.objects[target as usize] {
            Object::Dict(dict) => dict.extend(items),
            Object::Opaque(_) => {}
            _ => return Err(damaged("entries without a dict")),
        }
        Ok(())
    }

    fn recall(&mut self, slot: u32) -> Result<()> {
        let id = *self.memo.get(&slot).ok_or_else(|| damaged("a reference to nothing"))?;
        self.put(id)
    }

    fn memorise(&mut self, slot: u32) -> Result<()> {
        if self.memo.len() >= MAX_OBJECTS {
            return Err(damaged("more references than a checkpoint has"));
        }
        let top = *self.top()?;
        self.memo.insert(slot, top);
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) -> Result<()> {
        let object = match globals::global(module, name) {
            Some(global) => Object::Global(global),
            None => Object::Opaque(self.skip(one_line(&format!("{module}.{name}")))?),
        };
        self.push(object)
    }

    /// The index of the name of a global that is not known.
    fn skip(&mut self, name: String) -> Result<u32> {
        let next = self.skipped.len();
        let index = *self.skipped.entry(name).or_insert(next as u32);
        if self.skipped.len() > MAX_SKIPPED { Err(damaged("more globals than a checkpoint has")) } else { Ok(index) }
    }

    /// Puts what a call gives.
    fn put_made(&mut self, object: Object) -> Result<()> {
        if let Object::Dict(pairs) = &object {
            self.count_entries(pairs.len())?;
        }
        self.push(object)
    }
}

fn pairs(items: &[Id]) -> Result<Vec<(Id, Id)>> {
    if !items.len().is_multiple_of(2) {
        return Err(damaged("a key without a value"));
    }
    Ok(items.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
}
