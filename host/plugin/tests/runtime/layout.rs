//! Values as the component model lays them into a guest's memory.

/// A value of the interface.
#[derive(Clone)]
pub enum Value {
    Byte(u8),
    Word(u32),
    Text(String),
    List(Vec<Value>),
    /// A list or text that claims to be at this address and of this length.
    Claim(u32, u32),
    Record(Vec<Value>),
    /// Case of a variant, option or result, whose payloads take at most so many bytes, aligned to four.
    Case(u8, Box<Value>, usize),
}

use Value::{Byte, Case, Claim, List, Record, Text, Word};

pub fn text(text: &str) -> Value {
    Text(text.to_owned())
}

pub fn none(size: usize) -> Value {
    Case(0, Box::new(Record(Vec::new())), size)
}

impl Value {
    fn align(&self) -> usize {
        match self {
            Byte(_) => 1,
            Word(_) | Text(_) | List(_) | Claim(..) | Case(..) => 4,
            Record(fields) => fields.iter().map(Self::align).max().unwrap_or(1),
        }
    }

    fn size(&self) -> usize {
        match self {
            Byte(_) => 1,
            Word(_) => 4,
            Text(_) | List(_) | Claim(..) => 8,
            Record(fields) => {
                let end = fields
                    .iter()
                    .fold(0_usize, |at, field| at.next_multiple_of(field.align()) + field.size());
                end.next_multiple_of(self.align())
            }
            Case(_, _, size) => 4 + size,
        }
    }
}

/// Memory of a guest, filled from `base` on.
pub struct Memory {
    base: usize,
    pub bytes: Vec<u8>,
}

impl Memory {
    pub fn new(base: usize) -> Self {
        Self { base, bytes: Vec::new() }
    }

    /// Lays out a value and returns its address.
    pub fn put(&mut self, value: &Value) -> u32 {
        let at = self.reserve(value.size());
        self.fill(at, value);
        self.address(at)
    }

    fn reserve(&mut self, size: usize) -> usize {
        let at = self.bytes.len().next_multiple_of(8);
        self.bytes.resize(at + size, 0);
        at
    }

    fn address(&self, at: usize) -> u32 {
        u32::try_from(self.base + at).unwrap()
    }

    fn fill(&mut self, at: usize, value: &Value) {
        match value {
            Byte(byte) => self.bytes[at] = *byte,
            Word(word) => self.bytes[at..at + 4].copy_from_slice(&word.to_le_bytes()),
            Text(text) => {
                let place = self.reserve(text.len());
                self.bytes[place..place + text.len()].copy_from_slice(text.as_bytes());
                self.pair(at, self.address(place), text.len());
            }
            List(items) => {
                let size = items.first().map_or(0, Self::size_of);
                let place = self.reserve(size * items.len());
                for (index, item) in items.iter().enumerate() {
                    self.fill(place + index * size, item);
                }
                self.pair(at, self.address(place), items.len());
            }
            Claim(address, length) => self.pair(at, *address, *length as usize),
            Record(fields) => {
                let mut place = at;
                for field in fields {
                    place = place.next_multiple_of(field.align());
                    self.fill(place, field);
                    place += field.size();
                }
            }
            Case(tag, payload, _) => {
                self.bytes[at] = *tag;
                self.fill(at + 4, payload);
            }
        }
    }

    fn size_of(value: &Value) -> usize {
        value.size()
    }

    fn pair(&mut self, at: usize, address: u32, length: usize) {
        self.fill(at, &Word(address));
        self.fill(at + 4, &Word(u32::try_from(length).unwrap()));
    }
}
